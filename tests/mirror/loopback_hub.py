"""A hub on this machine's loopback: the few answers that huggingface_hub and datasets ask for, from memory."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "beef"
CHUNK = 1 << 20


@dataclass
class Repository:
    files: dict[str, bytes]
    commit: str = COMMIT
    gated: bool = False


@dataclass
class Hub:
    """`repositories` are named as in an address: `owner/name` for models, `datasets/owner/name` for data sets."""

    repositories: dict[str, Repository]
    address: str = ""
    fetched: list[str] = field(default_factory=list)
    """`repository: file` of every content that was asked for."""
    seconds_per_chunk: float = 0.0

    def answer(self, request: "_Request") -> None:
        address = urlsplit(unquote(request.path)).path
        if api := re.match(r"/api/(?:models/|(datasets/))([^/]+/[^/]+)(?:/(\w[\w-]*))?(.*)", address):
            self._describe(request, (api[1] or "") + api[2], api[3], api[4])
        elif content := re.match(r"/((?:datasets/)?[^/]+/[^/]+)/resolve/[^/]+/(.*)", address):
            self._hand_over(request, *content.groups())
        else:
            request.refuse(404, "EntryNotFound")

    def _describe(self, request: "_Request", name: str, what: str | None, rest: str) -> None:
        repository = self.repositories.get(name)
        if repository is None:
            return request.refuse(401, "RepoNotFound")
        if what == "tree":
            folder = rest.removeprefix("/").partition("/")[2]
            return request.json(_tree(repository, folder))
        if what == "paths-info":
            return request.json(
                [entry for entry in _tree(repository, "") if entry["path"] in request.asked_paths()]
            )
        if what == "revision" and rest.strip("/") not in ("main", repository.commit, repository.commit[:12]):
            return request.refuse(404, "RevisionNotFound")
        siblings = [
            {
                "rfilename": path,
                "size": len(content),
                "blobId": sha1(content).hexdigest(),
                **({"lfs": _lfs(content)} if path.endswith(".safetensors") else {}),
            }
            for path, content in repository.files.items()
        ]
        plain = name.removeprefix("datasets/")
        return request.json(
            {
                "id": plain,
                "sha": repository.commit,
                "siblings": siblings,
                "private": False,
                "gated": repository.gated,
            }
        )

    def _hand_over(self, request: "_Request", name: str, path: str) -> None:
        repository = self.repositories.get(name)
        if repository is None:
            return request.refuse(401, "RepoNotFound")
        if repository.gated:
            return request.refuse(403, "GatedRepo")
        if path not in repository.files:
            return request.refuse(404, "EntryNotFound")
        content = repository.files[path]
        etag = sha256(content).hexdigest() if path.endswith(".safetensors") else sha1(content).hexdigest()
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if request.command == "GET":
            self.fetched.append(f"{name}: {path}")
        return request.content(content, headers, self.seconds_per_chunk)


def _tree(repository: Repository, folder: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = [
        {
            "type": "file",
            "path": path,
            "size": len(content),
            "oid": sha1(content).hexdigest(),
            **({"lfs": _lfs(content)} if path.endswith(".safetensors") else {}),
        }
        for path, content in repository.files.items()
        if path.startswith(folder)
    ]
    folders = {
        path.rpartition("/")[0] for path in repository.files if "/" in path and path.startswith(folder)
    }
    return [*entries, *({"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders)]


def _lfs(content: bytes) -> dict[str, object]:
    return {
        "oid": sha256(content).hexdigest(),
        "sha256": sha256(content).hexdigest(),
        "size": len(content),
        "pointerSize": 134,
    }


class _Request(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.hub.answer(self)

    do_HEAD = do_POST = do_GET

    def asked_paths(self) -> list[str]:
        from urllib.parse import parse_qs

        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if body.startswith("{"):
            paths: list[str] = json.loads(body)["paths"]
            return paths
        return parse_qs(body).get("paths", [])

    def json(self, value: object) -> None:
        self.content(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str) -> None:
        self.content(b"", {"X-Error-Code": code, "X-Error-Message": code}, status=status)

    def content(
        self, content: bytes, headers: dict[str, str], seconds_per_chunk: float = 0.0, status: int = 200
    ) -> None:
        start = 0
        if found := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, last = int(found[1]), int(found[2] or len(content) - 1)
            headers = {**headers, "Content-Range": f"bytes {start}-{last}/{len(content)}"}
            content, status = content[start : last + 1], 206
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for at in range(0, len(content), CHUNK):
            time.sleep(seconds_per_chunk)
            self.wfile.write(content[at : at + CHUNK])

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client was killed
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(repositories: dict[str, Repository]) -> Iterator[Hub]:
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Request", (_Request,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
