"""The one way to the user's terminal. What models, servers and files say is shown as text, whatever is in it."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from genius_bench.readable import readable, readable_json, readable_name

if TYPE_CHECKING:
    from rich.console import Console
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


def words(text: str, style: str = "", **layout: Any) -> "Text":
    """Words of a table, in which no brackets mean a style."""
    from rich.text import Text

    return Text(readable(text), style=style, **layout)


def cell(text: str, style: str = "", **layout: Any) -> "Text":
    """A name, or what else stands in one line of a table (`readable_name`)."""
    return words(readable_name(text), style, **layout)


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
