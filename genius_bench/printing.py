"""The one way to the user's terminal. What models, servers and files say is shown as text, whatever is in it."""

import json
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.readable import readable, readable_json, readable_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def say(text: str) -> None:
    """A result, on standard output."""
    print(readable(text))


def counted(number: int, one: str) -> str:
    """A number with its noun: 1 run, 2 runs."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def note(text: str) -> None:
    """What is said beside the results, on standard error and in the log."""
    print(readable(text), file=sys.stderr, flush=True)
    log(text)


_log: Path | None = None


def keep_log(path: Path | None) -> None:
    """From now on, what is noted goes to this file as well; whole lines, so that processes may share one."""
    global _log
    _log = path


def log_kept() -> Path | None:
    """For processes that this one starts."""
    return _log


def log(text: str) -> None:
    """A line of the log alone. A log that cannot be written is no reason to end what it is about."""
    if _log is not None:
        with suppress(OSError), _log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {readable(text)}\n")


def plain(value: Any) -> Any:
    """Dataclasses and named tuples as objects, so that JSON keeps their names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def say_json(value: Any) -> None:
    """A result for programs: it holds every character, some of them as escapes."""
    print(readable_json(json.dumps(value, indent=2, ensure_ascii=False)))


def hand_over(text: str) -> None:
    """A document on standard output: a file or program gets it as it was written, a terminal as text."""
    sys.stdout.write(readable(text) if sys.stdout.isatty() else text)


def words(text: str, style: str = "", **layout: Any) -> "Text":
    """Words of a table, in which no brackets mean a style."""
    from rich.text import Text

    return Text(readable(text), style=style, **layout)


def cell(text: str, style: str = "", **layout: Any) -> "Text":
    """A name, or what else stands in one line of a table (`readable_name`)."""
    return words(readable_name(text), style, **layout)


def new_table(*columns: str, lines: bool = False, **layout: Any) -> "Table":
    """Of columns that are named here the first holds names, the others numbers."""
    from rich.table import Table

    bare = {"box": None, "pad_edge": False, "header_style": "bold", "padding": (0, 1)}
    table = Table(**(layout if lines else bare | layout))
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=place > 0)
    return table


def open_console(*, aside: bool = False) -> "Console":
    """Where tables are printed, and what is said beside them on standard error."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Readable(Console):
        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=readable(segment.text))

    # Brackets and colons in a name are no styles and no pictures.
    return Readable(file=sys.stderr if aside else sys.stdout, markup=False, emoji=False)
