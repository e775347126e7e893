"""The site's folder: files appear whole, equal files are left alone, and files that no page needs any more go."""

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from genius_bench.errors import InputError
from genius_bench.site.scripts import script
from genius_bench.storage import storage_error

MARK = "genius-bench board"
"""Stands in the page, so that a folder is known to be a site of ours."""


class Folder:
    """Raises `InputError` for a folder that holds something else than a site."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: set[Path] = set()
        if root.exists() and not _is_ours(root):
            raise InputError(f"{root} is not empty and holds no board: name a new or an empty folder")

    def has(self, name: str) -> bool:
        """Whether a file is there already; it is then kept."""
        path = self.root / name
        if path.is_file():
            self._kept.add(path)
            return True
        return False

    def write_data(self, name: str, value: Any) -> None:
        """`data/<name>.js`: hands `value` to the page under `name`."""
        self.write(f"data/{name}.js", script(name, value).encode())

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        self._kept.add(path)
        try:
            if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(path.name + ".tmp")
            temporary.write_bytes(content)
            os.replace(temporary, path)
        except OSError as error:
            raise storage_error(path, error, "--html") from error

    def note(self, name: str) -> dict[str, Any] | None:
        """What `write_note` kept of files written before, if all of them are still there; they are then kept."""
        path = self.root / f"data/{name}.note.json"
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            if not all(self.has(file) for file in note["files"]):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self._kept.add(path)
        said: dict[str, Any] = note["said"]
        return said

    def write_note(self, name: str, said: dict[str, Any], files_written: list[str]) -> None:
        """Remembers for the next build what `files_written` hold."""
        note = json.dumps({"files": files_written, "said": said})
        self.write(f"data/{name}.note.json", note.encode())

    def write_pages(self) -> None:
        """The page with its scripts, styles, and libraries (with their licences), as they are installed."""
        static = files("genius_bench.site") / "static"
        for file in (*static.iterdir(), *(static / "libraries").iterdir()):
            if file.name.endswith((".js", ".css", ".html", ".txt")):
                name = file.name if file.name == "index.html" else f"assets/{file.name}"
                self.write(name, file.read_bytes())

    def remove_others(self) -> None:
        """Ends a build: data and assets of earlier ones that this one does not have."""
        for part in ("data", "assets"):
            for path in (self.root / part).glob("**/*"):
                if path.is_file() and path not in self._kept:
                    path.unlink()


def _is_ours(root: Path) -> bool:
    if not root.is_dir():
        return False
    page = root / "index.html"
    if page.is_file():
        return MARK in page.read_text(encoding="utf-8", errors="replace")
    # A build that was killed before its page was written leaves data alone.
    return {entry.name for entry in root.iterdir()} <= {"data", "assets"}
