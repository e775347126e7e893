"""The items of a JSON array one at a time, so that a file of gigabytes needs no more memory than its largest item."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

CHUNK = 1 << 20


class NotJSON(Exception):
    """Says where and why the text stops being a JSON array."""


def is_array(raw: BinaryIO) -> bool:
    """Whether the first character is an opening bracket; leaves the file at its beginning."""
    start = raw.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()
    raw.seek(0)
    return start.startswith(b"[")


def array_items(raw: BinaryIO) -> Iterator[Any]:
    text = _Text(raw)
    text.expect("[")
    if text.next_character() == "]":
        text.expect("]")
        return text.expect_end()
    while True:
        yield text.value()
        if text.next_character() != ",":
            break
        text.expect(",")
    text.expect("]")
    return text.expect_end()


class _Text:
    """A decoded window on the file that grows while a value does not fit and forgets what was read."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._window, self._at, self._lines, self._ended, self._size = "", 0, 1, False, CHUNK

    def value(self) -> Any:
        self.next_character()
        while True:
            try:
                value, end = self._json.raw_decode(self._window, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended or isinstance(error, RecursionError):
                    raise self._broken(getattr(error, "msg", "a value that cannot be read")) from None
            else:
                # A number at the end of the window may go on in the next chunk, and so may "0" before ".5".
                following = self._window[end : end + 1]
                if self._ended or (following and following in ",]} \t\r\n"):
                    self._at = end
                    return value
            self._grow()

    def next_character(self) -> str:
        """The next character that is no white space ("" at the end); does not consume it."""
        while True:
            while self._at < len(self._window) and self._window[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._window):
                return self._window[self._at]
            if self._ended:
                return ""
            self._grow()

    def expect(self, character: str) -> None:
        found = self.next_character()
        if found != character:
            raise self._broken(f"'{character}' expected, {repr(found) if found else 'end of file'} found")
        self._at += 1

    def expect_end(self) -> None:
        if found := self.next_character():
            raise self._broken(f"end of file expected, {found!r} found")

    def _grow(self) -> None:
        if self._at:
            self._lines += self._window.count("\n", 0, self._at)
            self._window, self._at, self._size = self._window[self._at :], 0, CHUNK
        else:  # the value is larger than the window: double it, so that long values are not read quadratically
            self._size *= 2
        chunk = self._raw.read(self._size)
        self._ended = not chunk
        try:
            self._window += self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            offset = self._raw.tell() - len(chunk) + error.start
            raise NotJSON(f"is not UTF-8 near byte {offset}: {error.reason}") from None

    def _broken(self, problem: str) -> NotJSON:
        line = self._lines + self._window.count("\n", 0, self._at)
        return NotJSON(f"line {line} is not valid JSON: {problem}")
