"""Answers that no honest server gives: whole HTTP responses, as bytes, and how they are sent."""

import gzip
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

Json = dict[str, Any]
Parts = Iterator[bytes]
"""Of a response, sent one after the other for as long as the client listens."""

MEBIBYTE = b" " * 2**20


def response(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def answer(choice: Json | None = None, **top: Any) -> bytes:
    """An answer of three tokens, with changes."""
    whole = {
        "index": 0,
        "text": "fine",
        "finish_reason": "stop",
        "token_ids": [7, 8, 9],
        "logprobs": {"token_logprobs": [-0.5, -0.25, -0.75]},
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 3}
    return json.dumps({"choices": [whole | (choice or {})], "usage": usage} | top).encode()


def once(body: bytes, **changes: str) -> Callable[[], Parts]:
    return lambda: iter([response(body, **changes)])


def bomb(compress: Callable[[bytes], bytes], **changes: str) -> Callable[[], Parts]:
    """200 MiB of blanks, compressed when they are first asked for."""
    made = cache(lambda: response(compress(MEBIBYTE * 200), **changes))
    return lambda: iter([made()])


def without_end(head: bytes, part: bytes, pause: float = 0.0) -> Callable[[], Parts]:
    def parts() -> Parts:
        yield head
        while True:
            yield part
            time.sleep(pause)

    return parts


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
USAGE = b'{"choices": [{"text": "a", "finish_reason": "stop"}], "usage": {"prompt_tokens": %s, "completion_tokens": 1}}'
DEEP = b'{"choices": ' + b"[" * 900 + b"]" * 900 + b"}"

SHAPES: dict[str, Callable[[], Parts]] = {
    "counts that are infinite": once(USAGE % b"1e999"),
    "counts of 4,000 digits": once(USAGE % (b"9" * 4000)),
    "counts of 40 digits": once(USAGE % (b"9" * 40)),
    "counts of 100,000 digits": once(USAGE % (b"9" * 100_000)),
    "counts that are negative": once(USAGE % b"-1"),
    "counts that are fractions": once(USAGE % b"1.5"),
    "counts that are NaN": once(USAGE % b"NaN"),
    "counts that are text": once(USAGE % b'"3"'),
    "counts that are true": once(USAGE % b"true"),
    "token ids below zero": once(answer({"token_ids": [7, -1, 9]})),
    "token ids beyond the vocabulary": once(answer({"token_ids": [7, 8, 10**18]})),
    "token ids just beyond the vocabulary": once(answer({"token_ids": [7, 8, 5000]})),
    "token ids of text": once(answer({"token_ids": ["7", "8", "9"]})),
    "token ids of fractions": once(answer({"token_ids": [7.0, 8.0, 9.0]})),
    "token ids of lists": once(answer({"token_ids": [[7], [8], [9]]})),
    "token ids in an object": once(answer({"token_ids": {"0": 7}})),
    "log-probabilities above zero": once(answer({"logprobs": {"token_logprobs": [-0.5, 5, -0.75]}})),
    "log-probabilities that are NaN": once(
        answer({"logprobs": {"token_logprobs": [-0.5, float("nan"), -1]}})
    ),
    "log-probabilities without end": once(answer({"logprobs": {"token_logprobs": [-float("inf"), -1, -1]}})),
    "log-probabilities of huge size": once(answer({"logprobs": {"token_logprobs": [-(10**400), -1, -1]}})),
    "log-probabilities of text": once(answer({"logprobs": {"token_logprobs": ["-1", "-1", "-1"]}})),
    "too few log-probabilities": once(answer({"logprobs": {"token_logprobs": [-0.5]}})),
    "too many log-probabilities": once(answer({"logprobs": {"token_logprobs": [-0.5] * 9}})),
    "no choice": once(answer(choices=[])),
    "choices that are null": once(answer(choices=None)),
    "choices that are an object": once(answer(choices={"0": {"text": "a", "finish_reason": "stop"}})),
    "a choice that is text": once(answer(choices=["a"])),
    "two choices out of order": once(
        answer(choices=[{"index": number, "text": "a", "finish_reason": "stop"} for number in (1, 0)])
    ),
    "two choices of one index": once(
        answer(choices=[{"index": 0, "text": text, "finish_reason": "stop"} for text in "ab"])
    ),
    "text that is a number": once(answer({"text": 42})),
    "text that is an object": once(answer({"text": {"content": "a"}})),
    "text that is a list": once(answer({"text": ["a"]})),
    "no text": once(answer(choices=[{"index": 0, "finish_reason": "stop"}])),
    "an unknown finish reason": once(answer({"finish_reason": "because"})),
    "a finish reason that is a list": once(answer({"finish_reason": [["stop"]]})),
    "no finish reason": once(answer({"finish_reason": None})),
    "a list of answers": once(b"[" + answer() + b"]"),
    "null": once(b"null"),
    "a number": once(b"1e999"),
    "nothing": once(b""),
    "half of an answer": once(answer()[:-20]),
    "an answer and more": once(answer() * 2),
    "bytes that are no UTF-8": once(answer().replace(b"fine", b"\xff\xfe\xc3\x28")),
    "an error that is called success": once(b'{"error": {"message": "no such \x1b[31mmodel"}}'),
    "a page of HTML": once(b"<html><body>502 Bad Gateway</body></html>", Content_Type="text/html"),
    "a page of HTML that is an error": once(b"<html>" + b"x" * 2**20, status="404 Not Found"),
    "a stream of events": once(
        b"data: " + answer() + b"\n\ndata: [DONE]\n\n", Content_Type="text/event-stream"
    ),
    "lists in lists": once(b"[" * 10**6 + b"]" * 10**6),
    "lists in lists, 900 deep": once(DEEP),
    "objects in objects": once(b'{"a":' * 10**5 + b"1" + b"}" * 10**5),
    "millions of lists": once(b'{"choices": [' + b"[]," * 2_500_000 + b"[]]}"),
    "a body of 12 MiB": once(answer({"text": "a" * 12 * 2**20})),
    "a bomb of gzip": bomb(gzip.compress, Content_Encoding="gzip"),
    "a bomb of deflate": bomb(zlib.compress, Content_Encoding="deflate"),
    "a bomb in an error": bomb(gzip.compress, Content_Encoding="gzip", status="400 Bad Request"),
    "another place": once(b"", status="307 Temporary Redirect", Location="http://127.0.0.1:9/v1/completions"),
    "the same place": once(b"", status="308 Permanent Redirect", Location="/v1/completions"),
    "another protocol": once(b"", status="101 Switching Protocols", Upgrade="websocket"),
    "headers of a megabyte": once(answer(), X_Long="a" * 2**20),
    "more than it says": lambda: iter([response(answer(), Content_Length="10")]),
    "less than it says": lambda: iter([response(answer(), Content_Length="100000")]),
    "two lengths": lambda: iter(
        [response(answer()).replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1)]
    ),
    "a length below zero": once(answer(), Content_Length="-1"),
    "chunks of no size": lambda: iter([CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n"]),
    "no HTTP": lambda: iter([b"SSH-2.0-OpenSSH_9.2\r\n"]),
}
"""Answers that come at once, one by one to be told as an error."""

STREAMS: dict[str, Callable[[], Parts]] = {
    "a body without end": without_end(HEAD + b"\r\n", MEBIBYTE),
    "chunks without end": without_end(CHUNKED, b"100000\r\n" + MEBIBYTE + b"\r\n"),
    "a length of a gigabyte": without_end(HEAD + b"Content-Length: 1073741824\r\n\r\n", MEBIBYTE),
    "headers without end": without_end(HEAD, b"X-More: " + b"a" * 1000 + b"\r\n"),
    "an error without end": without_end(
        b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MEBIBYTE + b"\r\n"
    ),
    "interim responses without end": without_end(HINT, HINT, 0.001),
    "a byte now and then": without_end(HEAD + b"Content-Length: 1000\r\n\r\n", b" ", 0.05),
    "a header now and then": without_end(HEAD, b"X: y\r\n", 0.05),
    "silence": without_end(b"", b"", 0.05),
}
"""Answers that would go on for ever."""


def _read_request(connection: socket.socket) -> None:
    """All of it: what is left unread would reset the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(2**16)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    left = int(length[1]) - len(body) if length else 0
    while left > 0:
        left -= len(connection.recv(2**16))


def _is_gone(connection: socket.socket) -> bool:
    """Whether the client has hung up, which who sends nothing does not notice."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


class HostileServer:
    """Sends `parts` to whoever asks; every connection is for one answer."""

    def __init__(self) -> None:
        self.parts: Callable[[], Parts] = once(b"")
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._send, args=(connection,), daemon=True).start()

    def _send(self, connection: socket.socket) -> None:
        try:
            with connection:
                _read_request(connection)
                for part in self.parts():
                    if part:
                        connection.sendall(part)
                    elif _is_gone(connection):
                        return
        except OSError:
            return

    def close(self) -> None:
        self._listening.close()
