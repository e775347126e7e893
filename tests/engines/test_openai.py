"""The openai engine and its HTTP client against a real server on the loopback that misbehaves on request."""

import asyncio
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from genius_bench import http_client
from genius_bench.engines import open_engine
from genius_bench.engines.endpoint import Endpoint, is_url, resolve_served, served_fingerprint
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import resolve_model
from genius_bench.engines.openai import DRAWN_TOKENS, OpenAIEngine
from genius_bench.errors import InputError
from genius_bench.http_client import EndpointError, JsonClient, check_url
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message

KEY = "sk-very-secret-0123456789"
Json = dict[str, Any]
Fault = Callable[[BaseHTTPRequestHandler], None]


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def failing(status: int, text: str = '{"error": {"message": "try later"}}', **headers: str) -> Fault:
    return lambda handler: send(handler, status, text.encode(), **headers)


def broken_json(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b'{"choices": [')


def half_an_answer(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choi')
    handler.close_connection = True


def closed_connection(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def too_slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)
    handler.close_connection = True


class Server:
    """Answers with the request's seed, unless there is a fault waiting; notes what it was asked."""

    def __init__(self) -> None:
        self.models = ["tiny"]
        self.takes_ids = True
        self.refused: set[str] = set()
        self.faults: deque[Fault] = deque()
        self.choice: Json = {}
        """Laid over the choice that is answered."""
        self.seconds = 0.0
        self.bodies: list[tuple[str, Json]] = []
        self.times: list[float] = []
        self.keys: set[str | None] = set()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.keys.add(self.headers.get("Authorization"))
                rows = [{"id": name, "max_model_len": 200} for name in server.models]
                send(self, 200, json.dumps({"object": "list", "data": rows}).encode())

            def do_POST(self) -> None:
                server.keys.add(self.headers.get("Authorization"))
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server.lock:
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                server.handle(self, self.path, body)
                with server.lock:
                    server.at_once -= 1

            def log_message(self, *_: object) -> None: ...

        class Threads(ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True

        self._http = Threads(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def handle(self, handler: BaseHTTPRequestHandler, path: str, body: Json) -> None:
        probe = body.get("max_tokens") in (1, DRAWN_TOKENS)
        if not probe:
            self.bodies.append((path, body))
            self.times.append(time.monotonic())
            time.sleep(self.seconds)
            if self.faults:
                self.faults.popleft()(handler)
                return
        if unknown := self.refused & set(body):
            send(handler, 422, json.dumps({"detail": f"Unexpected fields: {unknown}"}).encode())
        elif "prompt" in body and not self.takes_ids:
            send(handler, 400, b'{"error": {"message": "prompt must be a string"}}')
        else:
            send(handler, 200, json.dumps(self.answer(body)).encode())

    def answer(self, body: Json) -> Json:
        text, ids = f"seed {body.get('seed')} 🦊", [7, 8, 9][: body.get("max_tokens")]
        choice: Json = {"index": 0, "finish_reason": "stop"}
        if "prompt" in body:
            choice |= {"text": text, "logprobs": {"token_logprobs": [-0.5, -0.25, -0.75][: len(ids)]}}
            choice |= {"token_ids": ids} if "return_token_ids" in body else {}
        else:
            choice |= {"message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(body.get("prompt", [1, 2])), "completion_tokens": len(ids)}
        return {"choices": [choice | self.choice], "usage": usage}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http_client, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with closing(Server()) as server:
        yield server


def settings(**fields: Any) -> EngineSection:
    return EngineSection(**{"name": "openai", "timeout_seconds": 20.0, **fields})


def opened(server: Server, **fields: Any) -> OpenAIEngine:
    section = settings(**fields)
    endpoint = resolve_served(server.url, section)
    assert isinstance(endpoint, Endpoint)
    return OpenAIEngine(endpoint, section)


def asked(seed: int = 0, **fields: Any) -> Request:
    messages = (Message(role="user", content="Wie viele Füchse 🦊?"),)
    sampling: Json = {"prompt_ids": (), "messages": messages, "max_tokens": 16, **fields}
    return Request(seed=seed, **sampling)


def answers(engine: OpenAIEngine, requests: list[Request]) -> list[Completion]:
    async def all_of_them() -> list[Completion]:
        return list(await asyncio.gather(*map(engine.generate, requests)))

    with asyncio.Runner() as runner, closing(engine):
        completions = runner.run(all_of_them())
        engine.close()
    return completions


def one_answer(server: Server, request: Request | None = None, **fields: Any) -> Completion:
    return answers(opened(server, **fields), [request or asked()])[0]


def failure(call: Callable[[], object]) -> str:
    with pytest.raises((EndpointError, InputError)) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_messages_are_sent_with_every_sampling_field(server: Server) -> None:
    request = asked(seed=2**62 + 5, temperature=0.7, top_p=0.9, stop=("\n\n", "Q:"))
    completion = one_answer(server, request)
    [(path, body)] = server.bodies
    assert path == "/v1/chat/completions"
    assert body == {
        "model": "tiny",
        "messages": list(request.messages or ()),
        "max_tokens": 16,
        "temperature": 0.7,
        "top_p": 0.9,
        "stop": ["\n\n", "Q:"],
        "seed": 5,
    }
    assert completion.text == "seed 5 🦊"
    assert (completion.token_ids, completion.logprobs) == ((), ())
    assert completion.completion_tokens == 3
    assert server.keys == {f"Bearer {KEY}"}


def test_token_ids_are_sent_where_there_is_a_tokenizer(server: Server, capsys: Any) -> None:
    engine = opened(server, tokenizer="lab")
    assert engine.tokenizer is not None
    [completion] = answers(engine, [asked(seed=3, prompt_ids=(5, 6, 7), messages=None, temperature=0.0)])
    [(path, body)] = server.bodies
    assert path == "/v1/completions"
    assert (body["prompt"], body["temperature"], body["seed"]) == ([5, 6, 7], 0.0, 3)
    assert "messages" not in body
    assert completion.token_ids == (7, 8, 9)
    assert completion.logprobs == (-0.5, -0.25, -0.75)
    assert capsys.readouterr().err == ""


def test_token_ids_within_the_context(server: Server) -> None:
    engine = opened(server, tokenizer="lab")
    answers(engine, [asked(prompt_ids=(5,) * 190)])
    assert server.bodies[0][1]["max_tokens"] == 10, "the server says max_model_len = 200"
    engine = opened(server, tokenizer="lab")
    assert "does not fit" in failure(lambda: answers(engine, [asked(prompt_ids=(5,) * 200)]))


def test_what_the_server_does_not_take_is_left_out_and_told_in_one_line(server: Server, capsys: Any) -> None:
    server.refused = {"seed", "return_token_ids"}
    completion = one_answer(server, asked(prompt_ids=(5,)), tokenizer="lab")
    [(path, body)] = server.bodies
    assert path == "/v1/completions"
    assert not server.refused & set(body)
    assert body["logprobs"] == 1
    assert (completion.token_ids, completion.logprobs, completion.completion_tokens) == ((), (), 3)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "does not support seeds; token ids of answers" in told


def test_a_server_that_ignores_temperature_or_seeds_is_noticed(
    server: Server, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(server)
    assert capsys.readouterr().err == ""
    plain, numbers = server.answer, iter(range(100))
    monkeypatch.setattr(server, "answer", lambda body: plain(body | {"seed": next(numbers)}))
    opened(server)
    assert "does not support seeds, it seems" in capsys.readouterr().err
    monkeypatch.setattr(server, "answer", lambda body: plain(body | {"seed": 0}))
    opened(server)
    assert "does not support sampling, it seems" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["refuses", "miscounts"])
def test_messages_are_sent_where_token_ids_are_not_understood(
    server: Server, capsys: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "refuses":
        server.takes_ids = False
    else:
        usage = {"prompt_tokens": 99, "completion_tokens": 1}
        plain = server.answer
        monkeypatch.setattr(server, "answer", lambda body: plain(body) | {"usage": usage})
    engine = opened(server, tokenizer="lab")
    assert engine.tokenizer is None
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "its own template renders them" in told
    answers(engine, [asked()])
    assert server.bodies[0][0] == "/v1/chat/completions"
    assert "takes messages" in failure(
        lambda: answers(opened(server), [asked(prompt_ids=(5,), messages=None)])
    )


@pytest.mark.parametrize(
    "fault",
    [
        failing(429, Retry_After="0.3"),
        failing(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        failing(429, Retry_After="soon"),
        failing(500, "<html>Internal\n error</html>"),
        closed_connection,
        half_an_answer,
        broken_json,
        failing(200, "[1]"),
        too_slow,
    ],
)
def test_passing_failures_are_tried_again(server: Server, fault: Fault) -> None:
    server.faults.extend([fault, fault])
    completion = one_answer(server, timeout_seconds=0.5)
    assert completion.text == "seed 0 🦊"
    assert len(server.bodies) == 3


def test_retry_after_is_honoured(server: Server) -> None:
    server.faults.append(failing(429, Retry_After="0.6"))
    one_answer(server)
    assert server.times[1] - server.times[0] >= 0.6


def test_tries_come_to_an_end(server: Server) -> None:
    server.faults.extend([failing(500, "kaputt\n" * 200)] * 10)
    message = failure(lambda: one_answer(server, tries=4))
    assert len(server.bodies) == 4
    assert "HTTP 500: kaputt kaputt" in message
    assert "(tried 4 times)" in message
    assert len(message) < 500


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 302])
def test_other_refusals_end_at_once(server: Server, status: int) -> None:
    text = json.dumps({"error": {"message": "x" * 290 + f" bad key {KEY}\n at all", "code": 1}})
    server.faults.append(failing(status, text, Location="http://127.0.0.1:9/"))
    message = failure(lambda: one_answer(server))
    assert f"HTTP {status}: xxx" in message
    assert len(server.bodies) == 1
    assert KEY[:9] not in message, "not even where the message is cut within the key"


def test_the_key_is_in_no_record(server: Server, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    section = settings()
    endpoint = resolve_served(server.url, section)
    assert KEY not in repr((endpoint, section, section.model_dump(), endpoint.fingerprint))
    before = served_fingerprint(endpoint, section)
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    assert served_fingerprint(endpoint, section) == before
    monkeypatch.setenv("MY_KEY", f"  {KEY}\n")
    one_answer(server, key_variable="MY_KEY")
    assert f"Bearer {KEY}" in server.keys
    monkeypatch.setenv("MY_KEY", f"{KEY}\nX-Evil: 1")
    assert "MY_KEY" in failure(lambda: opened(server, key_variable="MY_KEY"))
    monkeypatch.delenv("MY_KEY")
    server.keys.clear()
    one_answer(server, key_variable="MY_KEY")
    assert server.keys == {None}


def test_the_only_model_is_found(server: Server) -> None:
    endpoint = resolve_served(server.url + "/", settings())
    assert endpoint == Endpoint("tiny", server.url)
    server.models = ["a", "b"]
    assert "lists 2 models: name one with --set engine.served_model=NAME (a, b)" in failure(
        lambda: resolve_served(server.url, settings())
    )
    assert resolve_served(server.url, settings(served_model="b")).name == "b"
    server.models = []
    assert "engine.served_model" in failure(lambda: resolve_served(server.url, settings()))


def test_nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "FIRST_PAUSE", 0.01)
    assert "no connection" in failure(lambda: resolve_served("http://127.0.0.1:9/v1", settings()))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({}, "eos"),
        ({"stop_reason": "Q:"}, "stop"),
        ({"matched_stop": "Q:"}, "stop"),
        ({"matched_stop": 2}, "eos"),
        ({"finish_reason": "length"}, "length"),
        ({"message": {"content": "well Q: what"}}, "stop"),
        ({"message": {"content": None}, "finish_reason": "length"}, "length"),
    ],
)
def test_finish_reasons(server: Server, choice: Json, reason: str) -> None:
    server.choice = choice
    completion = one_answer(server, asked(stop=("Q:",)))
    assert completion.finish_reason == reason
    assert "Q:" not in completion.text


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls", None])
def test_other_ends_are_errors(server: Server, reason: str | None) -> None:
    engine = opened(server)
    server.choice = {"finish_reason": reason}
    assert f"finish_reason {reason!r}" in failure(lambda: answers(engine, [asked()]))


@pytest.mark.parametrize(
    "text", ['{"error": "no"}', '{"choices": []}', '{"choices": [{"message": 1}]}', "{}"]
)
def test_answers_without_text_are_errors(server: Server, text: str) -> None:
    server.faults.append(failing(200, text))
    assert "holds no text" in failure(lambda: one_answer(server))


def test_an_answer_that_repeats_the_key_is_quoted_without_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for padding in (0, 230):
        engine = opened(server)
        server.faults.append(failing(200, json.dumps({"sent": "x" * padding + f" Bearer {KEY}"})))
        assert KEY[:6] not in failure(partial(answers, engine, [asked()]))
    engine = opened(server)
    server.choice = {"finish_reason": "y" * 2000}
    assert len(failure(lambda: answers(engine, [asked()]))) < 500


def test_token_ids_are_held_against_the_tokenizer(server: Server) -> None:
    engine = opened(server, tokenizer="lab")
    assert engine.tokenizer is not None
    largest = max(engine.tokenizer.get_vocab().values())
    server.choice = {"token_ids": [7, 8, largest]}
    assert answers(engine, [asked()])[0].token_ids == (7, 8, largest)
    server.choice = {}  # a probe asks for one token
    engine = opened(server, tokenizer="lab")
    server.choice = {"token_ids": [7, 8, largest + 1]}
    assert "token ids that are none of this model's" in failure(lambda: answers(engine, [asked()]))


def test_half_a_surrogate_pair_can_be_stored(server: Server) -> None:
    server.choice = {"message": {"content": "\ud83d!"}}
    assert one_answer(server).text == "?!"


def test_many_at_once_and_never_more_than_allowed(server: Server) -> None:
    server.seconds = 0.05
    server.faults.extend([failing(429, Retry_After="0.1"), closed_connection, broken_json] * 10)
    completions = answers(opened(server, max_batch=60), [asked(seed=seed) for seed in range(300)])
    assert [c.text for c in completions] == [f"seed {seed} 🦊" for seed in range(300)]
    assert 10 < server.most_at_once <= 60
    assert Counter(body["seed"] for _, body in server.bodies).total() == 330
    server.most_at_once, server.seconds = 0, 1.0
    assert len(answers(opened(server, max_batch=300), [asked(seed=seed) for seed in range(300)])) == 300
    assert server.most_at_once > 60


def test_open_engine_and_the_ways_in_that_are_closed(server: Server) -> None:
    section = settings()
    with closing(open_engine(resolve_served(server.url, section), section)) as engine:
        assert engine.name == "openai"
    assert "give a URL" in failure(lambda: open_engine(resolve_model("lab"), section))
    assert "training needs" in failure(lambda: resolve_model(server.url))
    assert "asks servers" in failure(lambda: resolve_served(server.url, settings(name="hf")))
    assert "give the URL of one" in failure(lambda: resolve_served("lab", section))
    assert "its URL itself" in failure(lambda: resolve_served(server.url, settings(url=server.url)))
    assert "engine.tokenizer" in failure(lambda: resolve_served(server.url, settings(chat_template="plain")))


def test_fingerprints_tell_endpoints_names_and_prompts_apart() -> None:
    url = "http://127.0.0.1:9/v1"
    endpoints = [Endpoint("a", url), Endpoint("b", url), Endpoint("a", url + "2")]
    assert len({endpoint.fingerprint for endpoint in endpoints}) == 3
    sections = [settings(), settings(tokenizer="lab"), settings(tokenizer="lab", chat_template="plain")]
    assert len({served_fingerprint(endpoints[0], section) for section in sections}) == 3
    assert served_fingerprint(endpoints[0], settings(tries=2)) == served_fingerprint(endpoints[0], settings())


@pytest.mark.parametrize(
    "url", ["http://", "http:///v1", "http://host:port/v1", "http://[::1/v1", "ftp://host", "http://a b/v1"]
)
def test_what_is_no_url(url: str) -> None:
    assert "is no endpoint" in failure(lambda: check_url(url))


def test_secrets_in_a_url_are_refused_and_not_repeated() -> None:
    for url in (f"http://me:{KEY}@host/v1", f"https://host/v1?key={KEY}", f"http://me:{KEY}@host:x/v1?{KEY}"):
        failure(partial(check_url, url))
    assert check_url("HTTPS://Host.Example/v1/") == "https://host.example/v1"
    assert is_url("HTTP://x")
    assert not is_url("owner/name")


def test_a_client_can_be_shared_by_other_rooms(server: Server) -> None:
    async def ask() -> Json:
        async with JsonClient(server.url, "OPENAI_API_KEY", 5.0, 2, 4) as client:
            assert (await client.get("/models"))["data"][0]["id"] == "tiny"
            return await client.post("/chat/completions", {"model": "tiny", "messages": [], "seed": 1})

    assert asyncio.run(ask())["choices"][0]["message"]["content"] == "seed 1 🦊"
