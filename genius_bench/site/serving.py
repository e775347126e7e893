"""The site on loopback, for its owner alone: nothing but its own files, and to nobody but pages of its own.

A browser runs strangers' pages too. A stranger's name that resolves to this machine (DNS rebinding) is told by the
`Host` header; a stranger's page that loads our data as a script is told by `Sec-Fetch-Site`, and
`Cross-Origin-Resource-Policy` keeps what it might get from it.
"""

import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from genius_bench.errors import InputError

LOOPBACK = "127.0.0.1"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
"""What is served; files of any other kind are not."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types data-files"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


MOST_CONNECTIONS = 256
"""At a time, each with a thread. Beyond, the one that has been silent longest is closed: it is asked for again."""
PATIENCE = 10.0
"""Seconds in which a request must have come and its answer must have gone, however slowly."""


class SiteServer(ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1; port 0 takes a free one. Raises `InputError` when the port is taken.

    Clients that do not say or take anything keep nobody else waiting.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, root: Path, port: int) -> None:
        self.root = root.resolve()
        self._since: dict[socket.socket, float] = {}
        """When each open connection was last done with a request, oldest first."""
        self._lock = threading.Lock()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(
                f"cannot listen on port {port} ({reason}): choose another with --port (0 takes a free one)"
            ) from error

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"

    @property
    def hosts(self) -> set[str]:
        """How a page of ours may call us."""
        names = (LOOPBACK, "localhost")
        return {f"{name}:{self.server_port}" for name in names} | set(names if self.server_port == 80 else ())

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            oldest = next(iter(self._since), None) if len(self._since) >= MOST_CONNECTIONS else None
            self._since[request] = time.monotonic()
        if oldest is not None:
            self._end(oldest)
        super().process_request(request, client_address)

    def done_with_a_request(self, connection: socket.socket) -> None:
        with self._lock:
            if self._since.pop(connection, None) is not None:
                self._since[connection] = time.monotonic()

    def service_actions(self) -> None:
        """Called several times a second: ends what has outlived our patience."""
        with self._lock:
            overdue = [one for one, since in self._since.items() if time.monotonic() - since > PATIENCE]
        for connection in overdue:
            self._end(connection)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def _end(self, connection: socket.socket) -> None:
        """Its thread, which waits for it or writes to it, notices."""
        with self._lock:
            self._since.pop(connection, None)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def serve(server: SiteServer) -> None:
    """Answers until Ctrl-C (or a SIGTERM) ends it."""
    with server, _ended_by_sigterm():
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


class _Handler(BaseHTTPRequestHandler):
    server: SiteServer
    protocol_version = "HTTP/1.1"
    server_version = "genius-bench"
    sys_version = ""
    timeout = PATIENCE

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.server.done_with_a_request(self.connection)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body that nobody reads must not pass for the next request
        if (self.headers.get("Host") or "").lower() not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this board answers to 127.0.0.1 and localhost only")
            return
        foreign = self.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site")
        if foreign and self.headers.get("Sec-Fetch-Mode") != "navigate":
            self._refuse(HTTPStatus.FORBIDDEN, "pages of other sites get nothing from here")
            return
        file = served_file(self.server.root, self.path)
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")
            return
        self._send(HTTPStatus.OK, KINDS[file.suffix], file.read_bytes(), with_body)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self.close_connection = True
        self._send(
            status, "text/plain; charset=utf-8", f"{reason}\n".encode(), with_body=self.command != "HEAD"
        )

    def _send(self, status: HTTPStatus, kind: str, body: bytes, with_body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet: what is asked for may hold anything, and nobody reads it."""


def served_file(root: Path, target: str) -> Path | None:
    """The file that a request's target names, if it is a plain file of the site; `root` is resolved already."""
    if not target.startswith("/") or target.startswith("//"):
        return None
    name = unquote(urlsplit(target).path).lstrip("/") or "index.html"
    if "\\" in name or "\0" in name or name.startswith("/"):
        return None
    wanted = root / name
    try:
        file = wanted.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    # A path that resolves to another place goes through "..", or through a link.
    if file != wanted or not file.is_relative_to(root) or not file.is_file():
        return None
    return file if file.suffix in KINDS else None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does, so that its temporary folder goes with it."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)
