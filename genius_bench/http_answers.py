"""Reading what a server sends, under limits: it may be broken, and it may be another than one thinks."""

import json
from typing import Any, NamedTuple, TypeGuard

import httpx2

Json = dict[str, Any]

MOST_BYTES = 8 * 2**20
"""Of an answer. Text, token ids and log-probabilities of 32,000 tokens take about 3 MiB."""
BYTES_PER_TOKEN = 256
"""More is read only where so many tokens were asked for that these take more."""
MOST_BYTES_OF_ERRORS = 64 * 2**10
"""What follows is not read: one line of it is shown."""
MOST_CONTAINERS = 300_000
"""Lists and objects in an answer, of which each takes some 80 bytes of memory and three of the text."""
MOST_DEPTH = 40
LONGEST_NAME = 50
"""Characters of a field's name that is shown: a part of one could be a part of a key."""
MOST_COUNTED = 2**31 - 1
"""No prompt, vocabulary or context is larger."""


class Chat(NamedTuple):
    """A chat completion. What a server does not state, or not so that it can be meant, is empty or 0."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


class AnswerError(Exception):
    """An answer that is not read; the message says why."""


async def read_body(response: httpx2.Response, tokens: int) -> bytes:
    """The body of an answer that may hold `tokens`. Raises `AnswerError` for one that is too long or compressed."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise AnswerError("the answer is compressed, though it was asked not to be")
    failed = not response.is_success
    most = MOST_BYTES_OF_ERRORS if failed else max(MOST_BYTES, tokens * BYTES_PER_TOKEN)
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > most:
            if failed:
                break
            raise AnswerError(f"the answer has more than {most / 2**20:.0f} MiB")
    return bytes(body[:most])


def parse_object(body: bytes) -> Json:
    """The JSON object in a body. Raises `AnswerError` where there is none, or it would take too much memory."""
    if body.count(b"[") + body.count(b"{") > MOST_CONTAINERS:
        raise AnswerError(f"the answer holds more than {MOST_CONTAINERS:,} lists and objects")
    try:
        answer = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise AnswerError("the answer is no JSON object")
    level: list[Any] = [answer]
    for _ in range(MOST_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise AnswerError(f"the answer is nested more than {MOST_DEPTH} levels deep")
    return answer


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """An object's fields. Raises `AnswerError` for one that is there twice: readers differ in which of them counts."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in fields if names.count(name) > 1)
        said = f"the field {twice!r}" if len(twice) <= LONGEST_NAME else "a field of a long name"
        raise AnswerError(f"the answer has {said} twice in one object")
    return fields


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a value is a number of tokens, or the number of one."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNTED


def read_chat(answer: Json) -> Chat:
    """The completion in an answer; odd book-keeping beside it is no reason to ask, and pay, for it again.

    Raises `AnswerError` where there is none.
    """
    try:
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        text = choice["message"].get("content") or ""
        reason = choice.get("finish_reason")
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        readable = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise AnswerError(f"no completion in the answer ({type(error).__name__}: {error})") from error
    prompt_tokens, completion_tokens = (one if is_count(one) else 0 for one in counts)
    return Chat(readable, reason if isinstance(reason, str) else "", prompt_tokens, completion_tokens)
