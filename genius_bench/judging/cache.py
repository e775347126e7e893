"""Judgements on disk: each is written the moment it has been paid for.

    <home>/judgements/<judge>-<digest of its identity>/<host>-<process>-<number>.jsonl

Every process appends to files of its own, so that no lock is needed, on a network file system neither. A record
begins with a line break: what a kill or a full disk left half-written spoils no other record and is skipped, as is one
whose digest is not its own.
"""

import json
import os
import re
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError
from genius_bench.integrity import SEAL, digest_of, seal, seal_holds
from genius_bench.judging.replies import Reply


class Cache:
    """The judgements of one judge: `identity` is all that determines what it says to a prompt."""

    def __init__(self, home: Path, name: str, identity: dict[str, Any]) -> None:
        readable = re.sub(r"[^\w.-]+", "-", name)[:60]
        self.folder = home / "judgements" / f"{readable}-{digest_of(identity)[:16]}"
        self._identity = identity
        self._descriptor: int | None = None
        self._unsaved: dict[str, Reply] = {}
        self._warned = False

    def read(self) -> dict[str, Reply]:
        """Prompt digest → reply, of all processes so far and whatever this one could not store."""
        try:
            contents = [path.read_bytes() for path in sorted(self.folder.glob("*.jsonl"))]
        except OSError as error:
            raise InputError(
                f"cannot read the stored judgements in {self.folder}: {error.strerror}"
            ) from error
        records = [_parse(line) for content in contents for line in content.split(b"\n") if line]
        return dict(record for record in records if record) | self._unsaved

    def open(self) -> None:
        """Makes ready to write; raises `InputError` where that is impossible, before anything is spent."""
        path = self.folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            self._write(_record({"judge": self._identity}))
        except OSError as error:
            self.close()
            raise InputError(
                f"cannot store judgements in {self.folder}: {error.strerror or error}; nothing was spent: "
                "free space or choose another --home, then run the same command again"
            ) from error

    def store(self, digest: str, reply: Reply, announce: Callable[[str], None]) -> None:
        """Durably; where the disk is full, says so once and tries again with every later judgement."""
        self._unsaved[digest] = replace(reply, reused=True)
        try:
            self._write(b"".join(_record({"prompt": key} | _said(one)) for key, one in self._unsaved.items()))
            self._unsaved.clear()
        except OSError as error:
            if not self._warned:
                announce(
                    f"cannot store judgements in {self.folder}: {error.strerror or error}. This run goes on with "
                    "them in memory; free space now, or a later run pays for them again"
                )
            self._warned = True

    def close(self) -> None:
        """Ends the file; a later `open` begins another."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None, "open() comes before store()"
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)


STORED = {field.name for field in fields(Reply)} - {"error", "about_prompt", "reused"}


def _said(reply: Reply) -> dict[str, Any]:
    return {name: value for name, value in asdict(reply).items() if name in STORED}


def _record(value: dict[str, Any]) -> bytes:
    return b"\n" + json.dumps(seal(value), ensure_ascii=True).encode()


def _parse(line: bytes) -> tuple[str, Reply] | None:
    """None for the line that names the judge and for whatever is damaged."""
    try:
        value = json.loads(line)
        if not seal_holds(value):
            return None
        value.pop(SEAL, None)
        digest = value.pop("prompt")
        return str(digest), replace(Reply(**value), reused=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
