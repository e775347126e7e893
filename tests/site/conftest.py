"""Homes, their sites, and a real Chromium that looks at them."""

import json
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.synthetic_home import Plan, plain_words, write_home
from genius_bench.integrity import seal
from genius_bench.site.building import build_site
from genius_bench.site.serving import SiteServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PLAN = Plan(runs=6, tasks=2, items=12, samples=2, queries=3)
HOSTILE = (
    "<script>window.attacked = 1</script>",
    "</script><script>window.attacked = 2</script>",
    "<img src=x onerror='window.attacked = 3'>",
    '"><svg onload=window.attacked=4>',
    "\u202egnp.exe\u202c \u2067right\u2069",
    "\u001b[31mred\u001b[2J\u001b]0;title\u0007",
    "null\0byte",
    "\u2028line\u2029paragraph",
    "javascript:window.attacked=5",
    "${window.attacked=6} `` \\u003cscript>",
    "__proto__",
    "שלום עולם",
    "x" * 3000,
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    write_home(path, PLAN)
    return path


@pytest.fixture(scope="session")
def site(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site")
    build_site(home, path)
    return path


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a home in which every text is an attack: answers, questions, traces, run ids, recipes."""
    home, site = tmp_path_factory.mktemp("hostile-home"), tmp_path_factory.mktemp("hostile-site")

    def words(chance: random.Random, count: int) -> str:
        return f"{chance.choice(HOSTILE)} {plain_words(chance, 3)} {chance.choice(HOSTILE)}"

    write_home(home, Plan(runs=3, tasks=1, items=40, samples=0, queries=8, words=words))
    for place, path in enumerate(sorted((home / "runs").glob("*.json"))):
        run = json.loads(path.read_text())
        run["id"] = HOSTILE[place].replace("/", "")  # which its file is called by
        run["base"] = HOSTILE[place + 3]
        run["recipe"]["variant"] = HOSTILE[place + 4]
        run["recipe"]["__proto__"] = {"polluted": HOSTILE[0]}
        run["corpus"]["name"] = HOSTILE[5]
        path.unlink()
        (home / "runs" / f"{run['id']}.json").write_text(json.dumps(seal(run)))
    build_site(home, site)
    return site


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[SiteServer]:
    server = SiteServer(site, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Ends with its module: while its driver lives, nothing else in this process can `asyncio.run`."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = os.environ.get("GENIUS_BENCH_CHROMIUM") or next(filter(None, map(which, names)), None)
    if chromium is None:
        pytest.skip("no Chromium: install one, or name it in GENIUS_BENCH_CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A page that must raise no error, break no rule of its content security policy, and leave its own site alone."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(60_000)  # the machine may be busy
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert errors == []
    assert [url for url in asked if not url.startswith(("file://", "http://127.0.0.1:"))] == []
    context.close()


def open_page(page: "Page", site: Path, address: str = "") -> None:
    """Goes to a page of a site on disk and waits until it is drawn."""
    page.goto(
        "about:blank"
    )  # else another page of the same site is only drawn into the old one, some time later
    page.goto((site / "index.html").as_uri() + address)
    page.wait_for_function("() => document.documentElement.dataset.shown !== undefined")


def graded(home: Path) -> list[dict[str, Any]]:
    """Every graded answer of a home with its task and model, read past all of our own code."""
    rows = []
    seen = set()
    for file in sorted((home / "runs").glob("*.json")):
        for evaluation in json.loads(file.read_text())["evaluations"]:
            for task, key in evaluation["scores"].items():
                if key not in seen:
                    seen.add(key)
                    folder = home / "artifacts" / "scores" / key / "rows"
                    table = pa.concat_tables(
                        pq.read_table(shard) for shard in sorted(folder.glob("*.parquet"))
                    )
                    rows += [
                        row | {"task": task, "model": evaluation["fingerprint"][:12]}
                        for row in table.to_pylist()
                    ]
    return rows
