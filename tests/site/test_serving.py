"""The server of the board: its own files on loopback, and nothing to anybody else."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.site import serving
from genius_bench.site.serving import MOST_CONNECTIONS, SiteServer


def ask(server: SiteServer, target: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """A request whose target is sent as it is, unlike any polite client would."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in ({"Host": f"127.0.0.1:{server.server_port}"} | headers).items():
        if value:
            connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.js",
        "/..%2fsecret.js",
        "/%2e%2e/secret.js",
        "/data/../../secret.js",
        "/data/%2e%2e%2f%2e%2e%2fsecret.js",
        "/data/..%5c..%5csecret.js",
        "/linked.js",
        "/linked/secret.js",
        "//etc/passwd",
        "/%2fetc/passwd",
        "http://127.0.0.1/index.html",
        "/index.html%00.js",
        "/data",
        "/data/queries/none.note.json",
        "/%ed%a0%bd",
        "*",
        "index.html",
    ],
)
def test_nothing_outside_the_site_is_served(served: SiteServer, site: Path, target: str) -> None:
    secret = site.parent / "secret.js"
    secret.write_text("secret")
    for link, to in ((site / "linked.js", secret), (site / "linked", site.parent)):
        if not link.is_symlink():
            link.symlink_to(to)
    assert ask(served, target).status == 404


def test_its_own_files_come_with_headers_that_keep_them_its_own(served: SiteServer) -> None:
    for target, kind in {
        "/": "text/html",
        "/?x=1": "text/html",
        "/assets/text.js": "text/javascript",
    }.items():
        response = ask(served, target)
        assert response.status == 200
        assert (response.getheader("Content-Type") or "").startswith(kind)
        assert response.getheader("Cross-Origin-Resource-Policy") == "same-origin"
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert "default-src 'none'" in (response.getheader("Content-Security-Policy") or "")
    head = ask(served, "/data/site.js", "HEAD")
    assert head.status == 200
    assert int(head.getheader("Content-Length") or 0) > 1000


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example:{port}", ""]
)
def test_a_name_that_is_not_ours_is_refused(served: SiteServer, host: str) -> None:
    """A stranger's name may resolve to this machine: its pages must not read the board."""
    assert ask(served, "/data/site.js", Host=host.format(port=served.server_port)).status == 421


def test_a_stranger_s_page_cannot_load_the_data_as_a_script(served: SiteServer) -> None:
    assert ask(served, "/data/site.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert ask(served, "/data/site.js", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="no-cors").status == 200
    assert (
        ask(served, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200
    )  # a link to it may


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_written(served: SiteServer, method: str) -> None:
    assert ask(served, "/index.html", method).status == 501


def test_it_listens_on_loopback_only(served: SiteServer) -> None:
    assert served.server_address[0] == "127.0.0.1"
    outside = socket.gethostbyname_ex(socket.gethostname())[2]
    for address in (one for one in outside if not one.startswith("127.")):
        with socket.socket() as client:
            client.settimeout(5)
            assert client.connect_ex((address, served.server_port)) != 0


def test_a_taken_port_is_said_in_a_line(served: SiteServer, site: Path) -> None:
    with pytest.raises(InputError, match="choose another with --port"):
        SiteServer(site, served.server_port)


def dawdlers(server: SiteServer, count: int) -> list[socket.socket]:
    """Clients that begin a request and do not go on."""
    found = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.server_port), timeout=30)
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        found.append(client)
    return found


def test_clients_that_dawdle_keep_nobody_waiting(served: SiteServer) -> None:
    slow = dawdlers(served, 300)
    try:
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: ask(served, "/assets/text.js").status, range(200)))
        assert answers == [200] * 200
        assert len(served._since) <= MOST_CONNECTIONS
        assert (
            sum("process_request_thread" in thread.name for thread in threading.enumerate())
            <= 2 * MOST_CONNECTIONS
        )
    finally:
        for client in slow:
            client.close()


def test_two_hundred_connect_before_the_first_is_answered(site: Path) -> None:
    """While the server is busy with something else, too."""
    with SiteServer(site, 0) as server:
        waiting = dawdlers(server, 200)  # nobody accepts yet
        for client in waiting:
            client.close()


def test_what_outlives_our_patience_is_ended(served: SiteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no request, and a body that is taken byte by byte is no reader."""
    monkeypatch.setattr(serving, "PATIENCE", 0.3)
    [dripping] = dawdlers(served, 1)
    ended = time.monotonic() + 20
    with dripping, contextlib.suppress(ConnectionError):
        dripping.settimeout(0.05)
        while time.monotonic() < ended:
            dripping.sendall(b".")
            with contextlib.suppress(TimeoutError):
                if dripping.recv(100) == b"":
                    break
    assert time.monotonic() < ended
    monkeypatch.undo()
    assert ask(served, "/").status == 200


def test_a_connection_serves_more_than_one_request(served: SiteServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.server_port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.status == 200
        response.read()
    connection.close()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_ended_and_leaves_nothing_behind(
    home: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    command = [sys.executable, "-m", "genius_bench", "board", "--home", str(home), "--serve", "--port", "0"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        address = re.search(r"http://127\.0\.0\.1:\d+/", lines[1])
        assert address, (lines, process.stderr and process.poll())
        with urllib.request.urlopen(address.group() + "data/site.js", timeout=60) as answer:
            assert answer.read().startswith(b'receive("site",')
        process.send_signal(ending)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0
    assert [line.split()[0] for line in errors.splitlines()] == ["reading", "building"], errors
    assert list(tmp_path.glob("genius-bench-board-*")) == []
