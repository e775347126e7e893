"""How fast the HTML board is: building it, opening it, and searching its answers in headless Chromium.

    python benchmarks/board_speed.py [--runs 200] [--answers 100000] [--repeat 5] [--chromium PATH]

Makes a synthetic home in a temporary folder (not timed), builds its site twice (everything new; nothing new; each in a
process of its own, with what it imports), opens it from file://, and reports medians over
`--repeat` fresh browser contexts:

checks       processor time of a build that went into holding files against their hashes, and its share in percent
interactive  from navigation to the first page drawn and its scripts idle, its table sortable
explorer     from the click on "Samples" to the list of all answers drawn
texts        from there until the texts of all answers are loaded and can be searched
search       from the last key of a search to the list drawn anew (all answers, texts loaded)

Beside the time on the clock stands the processor time of the page's main thread: on a busy machine it says more.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import which
from typing import Any

from benchmarks.synthetic_home import Plan, write_home
from genius_bench import artifacts, runs
from genius_bench.environment import describe_environment
from genius_bench.site.building import build_site

TASKS = 5
SEARCHES = ("therefore", "the answer is 17.", "half twice minus", "no such words anywhere")
DRAWN = "() => document.documentElement.dataset.shown !== undefined"


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="board-speed-") as folder:
        home, site = Path(folder) / "home", Path(folder) / "site"
        # The base counts as a model: it answers too.
        items = max(1, round(arguments.answers / TASKS / (arguments.runs + 1)))
        write_home(home, Plan(runs=arguments.runs, tasks=TASKS, items=items))
        built = {"first": _built(home, site), "again": _built(home, site)}
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        opened = _open(site, arguments.chromium, arguments.repeat)
    report = {
        "runs": arguments.runs,
        "answers": items * TASKS * (arguments.runs + 1),
        "site_mib": round(size / 2**20, 1),
        "build_seconds": built,
        **opened,
        "load_average": os.getloadavg()[0],
        "cores": os.cpu_count(),
        "python": describe_environment()["python"],
    }
    print(json.dumps(report, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--chromium", default=which("chromium") or which("google-chrome"))
    return parser.parse_args()


def _built(home: Path, site: Path) -> dict[str, float]:
    """In a process of its own, as a command is: it knows of no file that an earlier build held against its hash."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_build, home, site).result()


def _build(home: Path, site: Path) -> dict[str, float]:
    checks = _time_checks()
    wall, processor = time.perf_counter(), time.process_time()
    build_site(home, site)
    processor = time.process_time() - processor
    return {
        "wall": round(time.perf_counter() - wall, 2),
        "processor": round(processor, 2),
        "checks": round(sum(checks), 3),
        "checks_percent": round(100 * sum(checks) / processor, 2),
    }


def _time_checks() -> list[float]:
    """This thread's processor seconds of every check of a run, manifest or file from now on, as long as the process."""
    seconds: list[float] = []

    def timed(check: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return check(*arguments, **named)
            finally:
                seconds.append(time.thread_time() - started)

        return run

    for module, names in ((artifacts, ("unsealed", "what_is_wrong", "_is_of")), (runs, ("unsealed",))):
        for name in names:
            setattr(module, name, timed(getattr(module, name)))
    return seconds


def _open(site: Path, chromium: str | None, repeat: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    taken: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(repeat):
            page = browser.new_context(viewport={"width": 1360, "height": 900}).new_page()
            for name, seconds in _once(page, (site / "index.html").as_uri()).items():
                taken.setdefault(name, []).append(seconds)
            page.context.close()
        version = browser.version
        browser.close()
    return {"chromium": version, **{name: round(statistics.median(some), 3) for name, some in taken.items()}}


def _once(page: Any, address: str) -> dict[str, float]:
    clock = _Clock(page)

    def opened() -> None:
        page.goto(address)
        page.wait_for_function(DRAWN)
        page.evaluate("() => new Promise((done) => requestIdleCallback(done))")

    def explored() -> None:
        page.click("nav a[data-page=samples]")
        page.wait_for_selector(".list-row")

    def loaded() -> None:
        page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'", timeout=120_000)

    found = clock.timed("interactive", opened) | clock.timed("sort", lambda: _sorted(page))
    found |= clock.timed("explorer", explored) | clock.timed("texts", loaded)
    _search(page, "warming up")
    searches = [clock.timed("search", lambda words=words: _search(page, words)) for words in SEARCHES]  # type: ignore[misc]
    for name in searches[0]:
        found[name] = statistics.median(one[name] for one in searches)
        found[f"slowest_{name}"] = max(one[name] for one in searches)
    return found


class _Clock:
    """Seconds on the clock, and seconds that the page's main thread had a processor."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def timed(self, name: str, action: Callable[[], object]) -> dict[str, float]:
        """What `action` took; if it measures itself, what it says."""
        busy, started = self._busy(), time.perf_counter()
        said = action()
        wall = said if isinstance(said, float) else time.perf_counter() - started
        return {f"{name}_seconds": wall, f"{name}_processor_seconds": max(0.0, self._busy() - busy)}

    def _busy(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _sorted(page: Any) -> None:
    page.click("table.models thead th:nth-child(2) button")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _search(page: Any, words: str) -> float:
    """Inside the page: from the input event to the second frame after it."""
    milliseconds = page.evaluate(
        """(words) => new Promise((done) => {
            const input = document.querySelector("input[type=search]");
            const started = performance.now();
            input.value = words;
            input.dispatchEvent(new Event("input"));
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - started)));
        })""",
        words,
    )
    return float(milliseconds) / 1000


if __name__ == "__main__":
    main()
