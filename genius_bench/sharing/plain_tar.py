"""The plain part of tar: regular files one after another, and nothing that stands for something else.

Compression, sparse files, links, devices and headers without end are how a small archive grows large or writes
elsewhere. They are not refused one by one: what is not written here is not read. The format is POSIX ustar with the
extended headers of pax, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BLOCK = 512
AT_ONCE = 2**20
LONGEST_HEADER = 2**16
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}
WITHOUT_MEANING = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"}
"""Extended headers that change nothing here; `path` and `size` are the others that are known."""

Content = Iterator[bytes]


class NotPlainError(Exception):
    """What a plain archive does not have, in words."""


def members(path: Path) -> Iterator[tuple[str, int, Content]]:
    """Name, size and content of every file, in their order; contents are read where they are asked for.

    Raises `NotPlainError` at the first thing that a plain archive does not have.
    """
    with open(path, "rb") as file:
        yield from _members(file)


def _members(file: BinaryIO) -> Iterator[tuple[str, int, Content]]:
    extended: dict[str, str] | None = None
    while (header := _exactly(file, BLOCK)) != bytes(BLOCK):
        name, size, kind = _parsed(header)
        if kind == "x" and extended is None:
            extended = _extended(_exactly(file, size), name)
            _skip_padding(file, size)
            continue
        if kind not in ("0", "\0"):
            raise NotPlainError(
                f"{name!r} is not as its list says, but a link, a device, a sparse file or of another format"
            )
        about = extended or {}
        size = int(about.get("size", size))
        content = _content(file, size)
        yield about.get("path", name), size, content
        for _ in content:  # what nobody asked for
            pass
        extended = None
    while block := file.read(AT_ONCE):
        if block.strip(b"\0"):
            raise NotPlainError("something follows after its end")


def _parsed(header: bytes) -> tuple[str, int, str]:
    """Name, size and kind in a ustar header."""
    if name := next((name for begin, name in COMPRESSED.items() if header.startswith(begin)), None):
        raise NotPlainError(f"it is compressed with {name}, and archives are plain tar files")
    if header[257:263] != b"ustar\0":
        raise NotPlainError("it is no tar file of the POSIX format")
    if sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") != _octal(header[148:156]):
        raise NotPlainError("a header is damaged")
    name, prefix = (_text(part.partition(b"\0")[0]) for part in (header[:100], header[345:500]))
    size, kind = _octal(header[124:136]), chr(header[156])
    if kind == "x" and size > LONGEST_HEADER:
        raise NotPlainError("a header is too long")
    return f"{prefix}/{name}" if prefix else name, size, kind


def _text(field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as error:
        raise NotPlainError("a name is not UTF-8") from error


def _octal(field: bytes) -> int:
    text = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]+", text):
        raise NotPlainError("a header holds no number where one must be")
    return int(text, 8)


def _extended(text: bytes, name: str) -> dict[str, str]:
    """`path` and `size` of the next file, from records of the form "<length> <keyword>=<value>\\n"."""
    found: dict[str, str] = {}
    while text:
        length, _, _ = text.partition(b" ")
        if not re.fullmatch(rb"[1-9][0-9]{0,5}", length) or text[int(length) - 1 : int(length)] != b"\n":
            raise NotPlainError("an extended header is damaged")
        keyword, _, value = _text(text[len(length) + 1 : int(length) - 1]).partition("=")
        if keyword in ("path", "size"):
            found[keyword] = value
        elif keyword not in WITHOUT_MEANING:
            raise NotPlainError(
                f"{name!r} has an extended header {keyword!r}: a link, sparse or of another format"
            )
        text = text[int(length) :]
    if not re.fullmatch(r"[0-9]{1,18}", found.get("size", "0")):
        raise NotPlainError("a header holds no number where one must be")
    return found


def _content(file: BinaryIO, size: int) -> Content:
    left = size
    while left:
        block = _exactly(file, min(left, AT_ONCE))
        left -= len(block)
        yield block
    _skip_padding(file, size)


def _skip_padding(file: BinaryIO, size: int) -> None:
    _exactly(file, -size % BLOCK)


def _exactly(file: BinaryIO, size: int) -> bytes:
    block = file.read(size)
    if len(block) < size:
        raise NotPlainError("it ends in the middle")
    return block
