"""How long work shows itself: a live bar on a terminal, a plain line every few seconds elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genius_bench.printing import log, note, open_console

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]

LINE_EVERY_SECONDS = 10.0


def duration(seconds: float) -> str:
    """As people say it: 42 s, 7 min 05 s, 15 h 07 min, 2 d 03 h."""
    seconds = round(seconds)
    for unit, size, part, per in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // per:02d} {part}"
    return f"{seconds} s"


@contextmanager
def progress(description: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Yields a function that is told how many more `unit`s are done; shows done/total, rate and time left."""
    console = open_console(aside=True)
    show = _bar if console.is_terminal else _lines
    with show(console, description, total, unit, done) as advance:
        yield advance


@contextmanager
def _bar(console: "Console", description: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<34}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]} {task.fields[rate]}", markup=False),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=done, unit=unit, rate="")
        started, finished = time.monotonic(), 0

        def advance(count: int) -> None:
            nonlocal finished
            finished += count
            rate = finished / max(time.monotonic() - started, 1e-9)
            bar.update(task, advance=count, rate=f"{rate:.1f}/s")

        yield advance
        log(f"{description}: {done + finished}/{total} {unit} in {duration(time.monotonic() - started)}")


@contextmanager
def _lines(console: "Console", description: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    started = last = time.monotonic()
    finished = 0

    def line(now: float) -> str:
        rate = finished / max(now - started, 1e-9)
        left = (total - done - finished) / rate if rate else 0.0
        return f"{description}: {done + finished}/{total} {unit}, {rate:.1f}/s, {duration(left)} left"

    def advance(count: int) -> None:
        nonlocal finished, last
        finished += count
        now = time.monotonic()
        if now - last >= LINE_EVERY_SECONDS:
            last = now
            note(line(now))

    yield advance
    seconds = time.monotonic() - started
    note(f"{description}: {done + finished}/{total} {unit} in {duration(seconds)}")
