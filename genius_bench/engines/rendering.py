"""Conversations to token ids, once, in one place: every engine and every stage gets these ids.

Rendering text here and tokenising it elsewhere is how prompts end up with two beginning-of-sequence tokens.
"""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import escape

from genius_bench.errors import InputError, first_line
from genius_bench.rows import Message

MOST_AROUND, MOST_TIMES = 1 << 16, 16
"""A template may write that many characters of its own, and what is said that often: those in use write it once."""
PLAIN_ROLES = {"system": "", "user": "Question: ", "assistant": "Answer: "}


class Unrenderable(InputError):
    """A conversation that the model's chat template refuses: a system role, two questions in a row."""


def render(tokenizer: Any, messages: Sequence[Message], answer_prefix: str = "") -> tuple[int, ...]:
    """The prompt after which the assistant's answer begins, with exactly one beginning-of-sequence token.

    Models with a chat template get it; others get a plain "Question: … Answer:" layout. `answer_prefix` is the
    start of the answer, put into the assistant's mouth (the release's "The reasoning steps are:").
    """
    return prompt_ids(tokenizer, prompt_text(tokenizer, messages, answer_prefix), answer_prefix)


def prompt_ids(tokenizer: Any, text: str, answer_prefix: str = "") -> tuple[int, ...]:
    """The prompt that `prompt_text` has written, as `render` gives it."""
    ids = encode(tokenizer, text)
    if answer_prefix and getattr(tokenizer, "chat_template", None):
        ids += encode(tokenizer, answer_prefix)
    return with_one_bos(tokenizer, ids)


def prompt_text(tokenizer: Any, messages: Sequence[Message], answer_prefix: str = "") -> str:
    """The prompt as text. The plain layout writes the answer's beginning itself. Raises `Unrenderable`."""
    if not getattr(tokenizer, "chat_template", None):
        return _plain_text(messages, answer_prefix)
    return with_template(tokenizer, messages, add_generation_prompt=True)


def with_template(tokenizer: Any, messages: Sequence[Message], **options: bool) -> str:
    """The conversation as the chat template writes it. Raises `Unrenderable`."""
    try:
        text: str = tokenizer.apply_chat_template(list(messages), tokenize=False, **options)
    except Exception as error:  # templates are programs: they raise whatever their authors chose
        raise Unrenderable(
            f"the model's chat template cannot render this conversation: {first_line(error)}"
        ) from error
    most = MOST_AROUND + MOST_TIMES * sum(len(message["content"]) for message in messages)
    if len(text) > most:
        raise Unrenderable(
            f"the model's chat template makes {len(text)} characters of this conversation, where at most {most} belong"
        )
    return text


def check_complete(text: str, messages: Sequence[Message]) -> None:
    """Raises `Unrenderable` where the chat template left out what one of the messages says.

    Spacing and escapes are the template's own affair, and so are the thoughts of earlier answers.
    """
    rest = _squeezed(text)
    for message in sorted(messages, key=lambda message: -len(message["content"])):
        found = next((form for form in _forms(message) if form in rest), None)
        if found is None:
            raise Unrenderable(
                f"the model's chat template leaves out what the {message['role']} says here: "
                f"{message['content'].strip()[:40]!r}"
            )
        rest = rest.replace(found, "\0", 1) if found else rest  # said twice is written twice


def _forms(message: Message) -> Iterator[str]:
    """What is said as templates write it."""
    content = message["content"]
    if message["role"] == "assistant":
        content = content.rpartition("</think>")[2]
    yield _squeezed(content)
    yield _squeezed(str(escape(content)))
    for text in (content, content.strip()):
        for ascii_alone in (False, True):
            yield _squeezed(json.dumps(text, ensure_ascii=ascii_alone)[1:-1])


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _plain_text(messages: Sequence[Message], answer_prefix: str) -> str:
    turns = [PLAIN_ROLES.get(message["role"], "") + message["content"] for message in messages]
    opening = PLAIN_ROLES["assistant"] + answer_prefix
    return "\n\n".join([*turns, opening if answer_prefix else opening.rstrip()])


def encode(tokenizer: Any, text: str) -> list[int]:
    """Without the tokens that a tokenizer puts around a text by itself."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def with_one_bos(tokenizer: Any, ids: Sequence[int]) -> tuple[int, ...]:
    """`ids` led by exactly one beginning-of-sequence token, or by none where the model has none."""
    bos = beginning_of_sequence(tokenizer)
    if bos is None:
        return tuple(ids)
    start = 0
    while start < len(ids) and ids[start] == bos:
        start += 1
    return (bos, *ids[start:])


@lru_cache(maxsize=16)
def beginning_of_sequence(tokenizer: Any) -> int | None:
    """The token that this model's sequences start with.

    Some tokenizers name a BOS token that the model was never trained to begin with (Qwen2 has none, GPT-NeoX
    shares it with EOS). What counts is what the tokenizer itself, or else the chat template, puts in front.
    """
    bos: int | None = tokenizer.bos_token_id
    if bos is None:
        return None
    if tokenizer("a")["input_ids"][:1] == [bos]:
        return bos
    template = getattr(tokenizer, "chat_template", None)
    if template and isinstance(template, str):
        text = tokenizer.apply_chat_template([Message(role="user", content="a")], tokenize=False)
        if tokenizer(text, add_special_tokens=False)["input_ids"][:1] == [bos]:
            return bos
    return None
