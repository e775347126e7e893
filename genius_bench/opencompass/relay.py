"""Stands between OpenCompass and those who answer (the checkpoint's server, the judge): a small server on 127.0.0.1.

OpenCompass gives up a whole data set when one request fails, forgets why an answer ended, sends no seeds and would
have to be told the judge's key. So it talks to this, which notes every answer in a journal (one JSON line each): an
answer in there is never asked for again.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from genius_bench.integrity import digest_of

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What became of one request. `error` is "" or why there is no answer."""

    text: str = ""
    finish_reason: str = ""
    tokens: int = 0
    error: str = ""


class Unusable(Exception):
    """Whoever should answer cannot: every other request would fail as well."""


Backend = Callable[[Json], Answer]
"""From a request's body to its answer, in any thread. Raises `Unusable`."""


class Journal:
    """Answers by request, in memory and in a file that survives a kill (a torn last line is ignored)."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[str, Answer] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                request = entry.pop("request")
                self._answers[request] = Answer(**entry)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        self._file = path.open("a", encoding="utf-8")
        if text and not text.endswith("\n"):
            self._file.write("\n")

    def find(self, name: str, messages: list[Json]) -> Answer | None:
        """The answer to `messages` by the model that the configuration calls `name`."""
        return self._answers.get(_request(name, messages))

    def add(self, name: str, messages: list[Json], answer: Answer) -> None:
        request = _request(name, messages)
        self._answers[request] = answer
        self._file.write(json.dumps({"request": request, **asdict(answer)}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._answers)


def _request(name: str, messages: list[Json]) -> str:
    return digest_of([name, [[message["role"], message["content"]] for message in messages]])


class Relay:
    """`url` goes up to and including `/v1`. `broken` says why nobody answers, once that is known."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        journal: Journal,
        advance: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.url = ""
        self.broken: str | None = None
        self._backends = backends
        self._journal = journal
        self._advance = advance
        self._lock = threading.Lock()

    def answer(self, body: Json) -> Answer | None:
        """The answer to OpenCompass' request; None where nobody can answer."""
        name, messages = body["model"], body["messages"]
        with self._lock:
            found = self._journal.find(name, messages)
        if found is not None:
            return found
        if self.broken:
            return None
        try:
            answer = self._backends[name](body)
        except Unusable as error:
            self.broken = str(error)
            return None
        except Exception as error:  # told at the end of the run; here it would vanish in a thread
            self.broken = f"{type(error).__name__}: {error}"
            return None
        with self._lock:
            self._journal.add(name, messages, answer)
            self._advance(1)
        return answer

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        """Listens on a free port of 127.0.0.1 for as long as the context lasts."""
        with _Http(("127.0.0.1", 0), _handler(self)) as http:
            self.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
            serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            serving.start()
            try:
                yield self
            finally:
                http.shutdown()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in mid-request is nothing to report."""


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = relay.answer(body)
            if answer is None:
                # A status that OpenAI's client does not try again: that has been done.
                self._send(400, {"error": {"message": f"nobody answers: {relay.broken}"}})
                return
            # Always `stop`: OpenCompass fails the whole data set for an empty answer that ended otherwise.
            message = {"role": "assistant", "content": answer.text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            head = {"id": "-", "object": "chat.completion", "created": 0, "model": body["model"]}
            self._send(200, head | {"choices": [choice]})

        def _send(self, status: int, value: Json) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """The journal is the log."""

    return Handler
