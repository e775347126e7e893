"""A server may send anything: an error in one line comes of it, within its time and little memory."""

import asyncio
import gzip
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from genius_bench import http_client
from genius_bench.engines.dialect import Dialect
from genius_bench.engines.endpoint import Endpoint, served_models
from genius_bench.engines.interface import Completion, Request
from genius_bench.http_answers import MOST_BYTES_OF_ERRORS, AnswerError, read_chat
from genius_bench.http_client import EndpointError, JsonClient
from genius_bench.opencompass.backends import Checkpoint
from genius_bench.opencompass.serving import ENDPOINT, Server
from genius_bench.recipe import EngineSection
from tests.engines.hostile_server import SHAPES, STREAMS, HostileServer, Parts, answer, once

TIMEOUT = 1.0
REQUEST = Request(prompt_ids=(1, 2, 3), max_tokens=16, seed=1)
DIALECT = Dialect("tiny", tokens=True, vocabulary=5000)


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with closing(HostileServer()) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "FIRST_PAUSE", 0.001)


def asked(server: HostileServer, parts: Callable[[], Parts], tries: int = 1) -> Completion:
    """As the openai engine asks."""
    server.parts = parts

    async def ask() -> Completion:
        async with JsonClient(server.url, "NO_KEY_HERE", TIMEOUT, tries, 4) as client:
            found = await client.post(DIALECT.path, DIALECT.body(REQUEST), REQUEST.max_tokens)
            try:
                return DIALECT.completion(found, REQUEST)
            except EndpointError as error:
                raise client.harmless(error) from None

    return asyncio.run(ask())


@contextmanager
def little_memory() -> Iterator[None]:
    """Python holds at no time 64 MiB more than before."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


SAID = {
    "a bomb of gzip": "the answer is compressed",
    "a bomb of deflate": "the answer is compressed",
    "a bomb in an error": "the answer is compressed",
    "a body without end": "more than 8 MiB",
    "chunks without end": "more than 8 MiB",
    "a length of a gigabyte": "more than 8 MiB",
    "headers without end": "no connection",
    "an error without end": "HTTP 400",
    "interim responses without end": "no answer within 1 s",
    "a byte now and then": "no answer within 1 s",
    "a header now and then": "no answer within 1 s",
    "silence": "no answer within 1 s",
}
"""What is made of answers that end in no other way, or that something else would refuse as well."""


@pytest.mark.parametrize("kind", [*SHAPES, *STREAMS])
def test_one_clear_line_in_time_and_little_memory(kind: str, hostile: HostileServer) -> None:
    parts = (SHAPES | STREAMS)[kind]
    parts()  # what is sent is made before memory is looked at
    started = time.monotonic()
    with little_memory(), pytest.raises(EndpointError) as caught:
        asked(hostile, parts)
    assert time.monotonic() - started < 10 * TIMEOUT  # the machine may be busy
    said = str(caught.value)
    assert SAID.get(kind, "") in said
    assert said.isprintable()
    assert 10 < len(said) < 600
    assert hostile.url in said or "server" in said


def test_an_honest_answer_is_read(hostile: HostileServer) -> None:
    read = asked(hostile, once(answer()))
    assert (read.text, read.token_ids, read.logprobs) == ("fine", (7, 8, 9), (-0.5, -0.25, -0.75))
    assert read.usage is not None
    assert (read.usage.prompt_tokens, read.usage.completion_tokens) == (3, 3)


HARMLESS: dict[str, tuple[bytes, str]] = {
    "null as text": (answer({"text": None}), ""),
    "escape characters": (answer({"text": "\x1b[31mred\r"}), "\x1b[31mred\r"),
    "half a surrogate pair": (answer().replace(b"fine", b"\\ud800!"), "?!"),
    "a byte-order mark": (b"\xef\xbb\xbf" + answer(), "fine"),
    "nothing refused": (answer({"refusal": None, "error": None}, error={}), "fine"),
    "the end of the turn counted": (answer(usage={"prompt_tokens": 3, "completion_tokens": 17}), "fine"),
    "another model": (answer(model="another"), "fine"),
    "no counts": (answer(usage=None), "fine"),
    "counts that are null": (answer(usage={"prompt_tokens": None, "completion_tokens": 3}), "fine"),
    "no log-probabilities": (answer({"logprobs": None}), "fine"),
    "a certain token, rounded": (answer({"logprobs": {"token_logprobs": [1e-6, -9999.0, 0]}}), "fine"),
    "numbers nobody asked for": (answer(timings={"speed": float("nan")}), "fine"),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_can_only_be_meant_one_way_is_read(kind: str, hostile: HostileServer) -> None:
    body, text = HARMLESS[kind]
    assert asked(hostile, once(body)).text == text


MORE: dict[str, tuple[bytes, str]] = {
    "tokens": (
        answer({"token_ids": [1] * 18, "logprobs": None}),
        "sent 18 tokens where at most 16 were asked for",
    ),
    "log-probabilities": (
        answer({"token_ids": None, "logprobs": {"token_logprobs": [-1.0] * 18}}),
        "sent 18 tokens where at most 16",
    ),
    "tokens counted": (answer(usage={"prompt_tokens": 3, "completion_tokens": 18}), "sent 18 tokens"),
    "text": (answer({"text": "é" * 3000}), "sent 6000 bytes of text where at most 16 tokens were asked for"),
    "an error": (
        answer(error={"message": "out of memory"}),
        "sent an error .*out of memory.* beside the text",
    ),
    "an error of the choice": (answer({"error": "cut"}), "sent an error .*cut"),
    "a refusal": (answer({"refusal": "I will not"}), "sent a refusal .*I will not"),
    "a name twice": (answer().replace(b'"index": 0', b'"text": "other"'), "has the field 'text' twice"),
    "a name twice that nobody reads": (answer(x=1, y=2).replace(b'"y"', b'"x"'), "has the field 'x' twice"),
}


@pytest.mark.parametrize("kind", MORE)
def test_more_than_was_asked_for_is_an_error(kind: str, hostile: HostileServer) -> None:
    body, said = MORE[kind]
    with pytest.raises(EndpointError, match=said):
        asked(hostile, once(body))


def test_a_refusal_of_a_message_is_an_error() -> None:
    message = {"content": "", "refusal": "I will not"}
    choices = [{"message": message, "finish_reason": "stop"}]
    with pytest.raises(EndpointError, match="sent a refusal"):
        Dialect("tiny", tokens=False).completion({"choices": choices}, REQUEST)


def test_a_long_answer_is_read_where_many_tokens_were_asked_for(hostile: HostileServer) -> None:
    hostile.parts = once(answer({"text": "a" * 9 * 2**20}))

    async def ask(tokens: int) -> Any:
        async with JsonClient(hostile.url, "NO_KEY_HERE", 30.0, 1, 1) as client:
            return await client.post("/completions", {}, tokens)

    assert len(asyncio.run(ask(50_000))["choices"][0]["text"]) == 9 * 2**20
    with pytest.raises(EndpointError, match="more than 8 MiB"):
        asyncio.run(ask(30_000))


def test_how_deep_an_answer_may_be(hostile: HostileServer) -> None:
    """What goes too deep could not be written out again."""
    nested = [json.loads("[" * depth + "]" * depth) for depth in (39, 40)]
    assert asked(hostile, once(answer(extra=nested[0]))).text == "fine"
    with pytest.raises(EndpointError, match="nested more than 40 levels deep"):
        asked(hostile, once(answer(extra=nested[1])))


def test_what_is_too_long_is_not_asked_for_again(hostile: HostileServer) -> None:
    before = hostile.connections
    with pytest.raises(EndpointError, match="more than 8 MiB"):
        asked(hostile, STREAMS["a body without end"], tries=5)
    assert hostile.connections == before + 1


@pytest.mark.parametrize("after", ["1e999", "nan", "-5", "Mon, 01 Jan 9999999 00:00:00 GMT", "9" * 5000, "x"])
def test_strange_pauses_are_none(after: str, hostile: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "LONGEST_PAUSE", 0.01)
    with pytest.raises(EndpointError, match="tried 3 times"):
        asked(hostile, once(b"{}", status="503 Busy", Retry_After=after), tries=3)


@pytest.mark.parametrize(("status", "tries"), [("503 Busy", 3), ("429 Slow Down", 3), ("404 Not Found", 1)])
def test_an_error_is_tried_again_for_its_status_whatever_is_in_it(
    status: str, tries: int, hostile: HostileServer
) -> None:
    before = hostile.connections
    with pytest.raises(EndpointError, match=f"HTTP {status[:3]}: the answer is compressed") as caught:
        asked(hostile, once(gzip.compress(b"busy"), status=status, Content_Encoding="gzip"), tries=3)
    assert caught.value.status == int(status[:3])
    assert hostile.connections == before + tries


SECRET = "sk-'1/2\\3  4\"5"
"""A key may hold what is written in more than one way."""
IN_JSON = json.dumps(SECRET)[1:-1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (f'{{"{IN_JSON}": 1, "{IN_JSON}": 2}}', "200 OK"),
        (f'{{"{"x" * 45}{IN_JSON}": 1, "{"x" * 45}{IN_JSON}": 2}}', "200 OK"),
        (f'{{"error": {{"message": {{"you sent": ["{IN_JSON}"]}}}}}}', "401 Unauthorized"),
        (f'{{"choices": [], "you sent": "{IN_JSON}"}}', "200 OK"),
        (f'{{"you sent": "{IN_JSON}"', "401 Unauthorized"),
        (f"<p>{SECRET.replace('/', chr(92) + '/')}", "401 Unauthorized"),
        (f"{'x' * (http_client.ERROR_LENGTH - 8)}{SECRET}", "401 Unauthorized"),
        (f"x{' ' * (MOST_BYTES_OF_ERRORS - 9)}{SECRET}", "401 Unauthorized"),
        (f"x{' ' * (MOST_BYTES_OF_ERRORS - 9)}{SECRET}", "200 OK"),
        (f"{SECRET}{' ' * (MOST_BYTES_OF_ERRORS - 9 - len(SECRET))}{SECRET}", "401 Unauthorized"),
        (f"x{chr(160) * (MOST_BYTES_OF_ERRORS // 2 - 5)}{SECRET}", "401 Unauthorized"),
        (f"x{' ' * 9}sk-'1/2\\3{' ' * MOST_BYTES_OF_ERRORS}", "401 Unauthorized"),
    ],
)
def test_no_error_repeats_the_key(
    body: str, status: str, hostile: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_KEY_HERE", SECRET)
    with pytest.raises(EndpointError) as caught:
        asked(hostile, once(body.encode(), status=status))
    assert "sk-" not in str(caught.value)


def test_names_and_lengths_of_served_models(hostile: HostileServer) -> None:
    rows: list[Any] = [
        {"id": "good", "max_model_len": 200},
        {"id": "below zero", "max_model_len": -1},
        {"id": "true", "max_model_len": True},
        {"id": "huge", "max_model_len": 10**30},
        {"id": "esc\x1b[2J"},
        {"id": "\u202eturned"},
        {"id": 7},
        {"id": None},
        {"id": "n" * 10_000},
        "text",
    ]
    hostile.parts = once(answer(data=rows))

    async def ask() -> dict[str, int | None]:
        async with JsonClient(hostile.url, "NO_KEY_HERE", TIMEOUT, 1, 1) as client:
            return await served_models(client)

    assert asyncio.run(ask()) == {"good": 200, "below zero": None, "true": None, "huge": None}


@pytest.mark.parametrize("count", [10**4000, True, -3, 1.5, "7", None, float("inf")])
def test_a_judges_counts(count: Any) -> None:
    choice = {"message": {"content": "Verdict: A>B"}, "finish_reason": ["stop"]}
    reply = read_chat({"choices": [choice], "usage": {"prompt_tokens": count, "completion_tokens": 5}})
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("Verdict: A>B", 0, 5)
    assert reply.finish_reason == ""


@pytest.mark.parametrize(
    "message", [{}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": {"content": [1]}}]}]
)
def test_what_holds_no_completion_is_an_error_of_that_answer(message: Any, hostile: HostileServer) -> None:
    with pytest.raises(AnswerError, match="no completion in the answer"):
        read_chat(message)
    hostile.parts = once(json.dumps(message).encode())
    server, endpoint = Server(hostile.url, "tiny", ENDPOINT), Endpoint("tiny", hostile.url)
    with closing(Checkpoint(server, endpoint, EngineSection(), "mmlu", 16)) as checkpoint:
        found = checkpoint(
            {"model": "m", "messages": [{"role": "user", "content": "?"}], "max_tokens": 8, "temperature": 0}
        )
    assert found.text == ""
    assert "no completion in the answer" in found.error
