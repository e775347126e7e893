"""JSON over HTTP to one server: many requests at once, tried again where that may help, told in one line where not."""

import asyncio
import json
import os
import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from types import TracebackType
from typing import Any

import httpx2

from genius_bench.errors import GeniusBenchError, InputError, first_line
from genius_bench.http_answers import MOST_BYTES_OF_ERRORS, AnswerError, Json, parse_object, read_body
from genius_bench.readable import readable

FIRST_PAUSE = 1.0
"""Seconds before the second try; doubled for each one after it, and varied by half."""
LONGEST_PAUSE = 600.0
"""Seconds. A server that asks for a longer pause (`Retry-After`) is asked again after this one."""
ERROR_LENGTH = 300
"""Characters of a server's error message that are shown."""


class EndpointError(GeniusBenchError):
    """A request that failed for good. `status` is the server's last HTTP status; None where it gave no answer."""

    status: int | None = None


class _Failure(Exception):
    """One try that failed; `pause` is the seconds that the server asks for before the next, unless it is `final`."""

    def __init__(
        self, reason: str, status: int | None = None, pause: float = 0.0, final: bool = False
    ) -> None:
        super().__init__(reason)
        self.status, self.pause, self.final = status, pause, final


def check_url(url: str) -> str:
    """`url` in its normal form, without a slash at its end. Raises `InputError` where it is no http(s) address.

    Secrets have no place in a URL (it is recorded and shown): user names and queries are refused, and not repeated.
    """
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        parts = httpx2.URL()
    if not parts.host or parts.scheme not in ("http", "https") or len(url.split()) != 1:
        harmless = url.rpartition("@")[2].partition("?")[0]
        raise InputError(f"'{harmless}' is no endpoint: write it like http://127.0.0.1:8000/v1")
    if parts.userinfo or parts.query or parts.fragment:
        raise InputError(
            f"the URL of the endpoint at {parts.host} holds more than scheme, host and path: leave out user, password "
            "and query; a key is read from an environment variable"
        )
    return str(parts).rstrip("/")


class JsonClient:
    """For one event loop; `async with` closes its connections.

    The key is the value of the environment variable `key_variable` (none is sent where that is not set). It is sent
    as a bearer token to `base_url` only, redirects are not followed, and it is cut out of every error message.
    """

    def __init__(
        self, base_url: str, key_variable: str, timeout_seconds: float, tries: int, concurrency: int
    ) -> None:
        self.base_url = check_url(base_url)
        self._key = _read_key(key_variable)
        self._timeout = timeout_seconds
        self._tries = tries
        self._gate = asyncio.Semaphore(concurrency)
        headers = {"Accept-Encoding": "identity"}  # a megabyte that was compressed may become a thousand
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self._http = httpx2.AsyncClient(headers=headers, timeout=None, limits=limits)

    async def get(self, path: str) -> Json:
        """The JSON object at `path`. Raises `EndpointError`."""
        return await self._ask("GET", path, None, 0)

    async def post(self, path: str, body: Json, tokens: int = 0) -> Json:
        """The JSON object that the server answers to `body`; it may be as long as `tokens` take.

        Raises `EndpointError`.
        """
        return await self._ask("POST", path, json.dumps(body).encode(), tokens)

    def harmless(self, error: EndpointError) -> EndpointError:
        """An error about what the server answered, shortened, without the key: it may repeat what it was sent."""
        cleaned = EndpointError(one_line(str(error), self._key))
        cleaned.status = error.status
        return cleaned

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "JsonClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: bytes | None, tokens: int) -> Json:
        """Tries until it succeeds. A request keeps its place while it pauses: an overloaded server gets less to do."""
        async with self._gate:
            for number in count(1):
                try:
                    return await self._try(method, path, body, tokens)
                except _Failure as failure:
                    if failure.final or number >= self._tries:
                        tried = f" (tried {number} times)" if number > 1 else ""
                        said = _without(str(failure), self._key)
                        error = EndpointError(f"endpoint {self.base_url}{path}: {said}{tried}")
                        error.status = failure.status
                        raise error from None
                    backoff = FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.5)
                    await asyncio.sleep(min(failure.pause + backoff, LONGEST_PAUSE))
            raise AssertionError  # for mypy: count() has no end

    async def _try(self, method: str, path: str, body: bytes | None, tokens: int) -> Json:
        """Raises `_Failure`."""
        headers = {"Content-Type": "application/json"} if body else {}
        request = self._http.stream(method, self.base_url + path, content=body, headers=headers)
        try:
            async with asyncio.timeout(self._timeout), request as response:
                content = await read_body(response, tokens)
        except TimeoutError:
            raise _Failure(f"no answer within {self._timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise _Failure(f"no connection: {one_line(first_line(error), self._key)}") from None
        except AnswerError as error:
            if response.is_success:
                raise _Failure(str(error), response.status_code, final=True) from None
            content = str(error).encode()  # it failed for what its status says
        status = response.status_code
        if not response.is_success:
            raise _Failure(
                f"HTTP {status}: {one_line(_text(content), self._key)}",
                status,
                pause=_seconds(response.headers.get("Retry-After")),
                final=status < 500 and status not in (408, 409, 429),
            )
        try:
            return parse_object(content)
        except AnswerError as error:
            raise _Failure(f"{error}: {one_line(_text(content), self._key)}", status) from None


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _read_key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"the environment variable {variable} holds characters that no key has")
    return key


def one_line(text: str, secret: str = "") -> str:
    """What a server says, shortened: the message of an error object, or else the text itself, without `secret`."""
    cut = len(text.encode(errors="replace")) >= MOST_BYTES_OF_ERRORS
    line = text = _without(text[:MOST_BYTES_OF_ERRORS], secret, cut)
    try:
        answer: Any = json.loads(text)
        for name in ("error", "detail", "message"):
            answer = answer.get(name, answer) if isinstance(answer, dict) else answer
        line = str(answer)
    except (ValueError, RecursionError):
        pass
    line = " ".join(line.split()) or "(no text)"
    line = readable(_without(line, secret))
    return line[:ERROR_LENGTH] + "…" if len(line) > ERROR_LENGTH else line


def _without(text: str, secret: str, cut: bool = False) -> str:
    """`text` without `secret`, whatever was escaped in it, and however wide its blanks are.

    Where the text was `cut`, what it ends with may be the first part of the secret.
    """
    spelled = {" ": r"\s++", "\\": r"\\++"}
    parts = [spelled.get(part[0], r"\\*+" + re.escape(part)) for part in re.findall(r" +|\\+|[^ \\]", secret)]
    for number in range(len(parts), 0 if cut else max(0, len(parts) - 1), -1):
        end = "" if number == len(parts) else r"\\*\Z"
        text = re.sub(r"(?<!\\)" + "".join(parts[:number]) + end, "***", text)
    return text


def _seconds(retry_after: str | None) -> float:
    """Of a `Retry-After` header, which holds seconds or a date; 0 where there is none that can be read."""
    if retry_after is None:
        return 0.0
    try:
        return float(retry_after) if float(retry_after) > 0 else 0.0
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
