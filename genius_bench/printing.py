"""The one way to the user's terminal. What models, servers and files say is shown as text, whatever is in it."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from genius_bench.readable import readable, readable_json, readable_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def say(text: str) -> None:
    """A result, on standard output."""
    print(readable(text))


def note(text: str) -> None:
    """What is said beside the results, on standard error."""
    print(readable(text), file=sys.stderr, flush=True)


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
