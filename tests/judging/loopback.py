"""A tiny OpenAI-compatible server on 127.0.0.1 that plays the judge, faults included.

with serve(lambda messages: "Verdict: A>B", faults=["429", "500"]) as server:
    ...  # server.url ends in /v1; server.prompts holds what was asked
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Messages = list[dict[str, Any]]

MODEL = "loopback"
HANGS_SECONDS = 30.0


@dataclass
class Server:
    """What the server knows: where it is, what it was asked, and by whom."""

    url: str
    prompts: list[Messages] = field(default_factory=list)
    """The messages of every request, faulty answers included, in order of arrival."""
    answered: list[Messages] = field(default_factory=list)
    """The messages of the requests that were answered properly."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The Authorization header of every request ("" for none)."""


@contextmanager
def serve(
    reply: Callable[[Messages], str], faults: Iterable[str | None] = (), delay: float = 0.0
) -> Iterator[Server]:
    """Answers every chat completion with `reply(messages)` after `delay` seconds.

    `faults` are used up one a request, in order of arrival: a status ("429", "500", "401 any text"), "429 after N"
    (with Retry-After: N), "hang" (no answer until the test ends), "close" (the connection is closed), "broken"
    (no JSON), "empty" (JSON without a choice); None is no fault.
    """
    script = iter(faults)
    lock = threading.Lock()
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages: Messages = body["messages"]
            with lock:
                known.prompts.append(messages)
                known.bodies.append(body)
                known.keys.append(self.headers.get("Authorization", ""))
                fault = next(script, None)
            stopping.wait(delay)
            if fault:
                self._fail(fault)
                return
            with lock:
                known.answered.append(messages)
            self._send(200, completion(reply(messages), messages, body.get("model", MODEL)))

        def _fail(self, fault: str) -> None:
            if fault == "hang":
                stopping.wait(HANGS_SECONDS)
            if fault in ("hang", "close"):
                self.close_connection = True
            elif fault == "broken":
                self._send_bytes(200, b'{"choices": [{"mess')
            elif fault == "empty":
                self._send(200, {"choices": []})
            else:
                status, _, text = fault.partition(" ")
                after = text.removeprefix("after ") if text.startswith("after ") else ""
                self._send(int(status), {"error": {"message": text or "scripted"}}, after)

        def _send(self, status: int, value: dict[str, Any], retry_after: str = "") -> None:
            self._send_bytes(status, json.dumps(value).encode(), retry_after)

        def _send_bytes(self, status: int, data: bytes, retry_after: str = "") -> None:
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read `prompts`, not a log."""

    class Loopback(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that are killed or lose patience are what the tests are about."""

    with Loopback(("127.0.0.1", 0), Handler) as http:
        known = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield known
        finally:
            stopping.set()
            http.shutdown()
            thread.join()


def completion(text: str, messages: Messages, model: str) -> dict[str, Any]:
    """A chat completion; a token is four characters here."""
    asked = sum(len(str(message["content"])) for message in messages) // 4
    said = len(text) // 4
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }
