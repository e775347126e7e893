"""Everything that can be set, from the words that stand beneath each field in the code.

    python -m genius_bench.reference docs/options.md

writes the page again.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench import registry
from genius_bench.declared import Field, declared, limits
from genius_bench.errors import InputError, nearest

RECIPE = "genius_bench.recipe:Recipe"
KINDS = [kind for kind in registry.GROUPS if kind == "methods" or kind.endswith("objectives")]
"""Of plug-ins that have options in a recipe."""
WORDS = {
    "PositiveInt": "whole number > 0",
    "NonNegativeInt": "whole number ≥ 0",
    "PositiveFloat": "number > 0",
    "NonNegativeFloat": "number ≥ 0",
    "int": "whole number",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "None": "nothing",
}
INTRODUCTION = """# Everything that can be set

Each line is a key of a recipe: `--set KEY=VALUE`, or a line of a file that `--recipe` reads. `train --show-recipe`
prints the recipe of a command with all of it. On a terminal: `genius-bench options [SECTION|METHOD|OBJECTIVE]`.
(Written by `python -m genius_bench.reference docs/options.md`.)
"""


@dataclass(frozen=True)
class Option:
    """A key of a recipe. `default` is as it stands in the code; None where the method or the objective decides."""

    key: str
    kind: str
    default: str | None
    doc: str


def options(name: str = "") -> dict[str, list[Option]]:
    """Heading → options, of a section of the recipe, of a method, of an objective, or of all sections.

    Raises `InputError` with the nearest name where there is nothing called `name`.
    """
    sections = _sections()
    if not name:
        return sections
    found = {f"section {name}": sections[name]} if name in sections else {}
    for kind in KINDS:
        if name in registry.names(kind):
            found[f"{registry.GROUPS[kind]} {name}"] = _of_plugin(kind, name)
    if not found:
        known = [*sections, *(one for kind in KINDS for one in registry.names(kind))]
        raise InputError(f"nothing to set is called '{name}': {nearest(name, known)}")
    return found


def keys() -> list[str]:
    """Every key of a recipe, but for what methods and objectives add."""
    return [option.key for options in _sections().values() for option in options]


def _sections() -> dict[str, list[Option]]:
    """Section → options; what stands in no section is under `recipe`."""
    found: dict[str, list[Option]] = {"recipe": []}
    for option in _options("", RECIPE):
        found.setdefault(option.key.partition(".")[0] if "." in option.key else "recipe", []).append(option)
    return found


def _of_plugin(kind: str, name: str) -> list[Option]:
    """A method is imported for it, an objective (and with it torch) is not."""
    if kind != "methods":
        return list(_options("objective", registry.place(kind, name)))
    own = registry.load(kind, name).Options
    return list(_options("sampling", f"{own.__module__}:{own.__qualname__}"))


def _options(prefix: str, place: str) -> Iterator[Option]:
    module = place.partition(":")[0]
    for field in declared(place).fields.values():
        key = f"{prefix}.{field.name}" if prefix else field.name
        if field.kind.isidentifier() and declared(f"{module}:{field.kind}").fields:
            yield from _options(key, f"{module}:{field.kind}")
        else:
            yield Option(key, _in_words(field), field.default, field.doc)


def _in_words(field: Field) -> str:
    """A type as people say it."""
    kind = re.sub(
        r"Annotated\[(\w+), (Field\(.*?\))\]",
        lambda found: found[1] + limits(ast.parse(found[2], mode="eval").body),
        field.kind,
    )
    kind = re.sub(r"Literal\[([^]]*)\]", lambda found: found[1].replace("'", "").replace(", ", " | "), kind)
    kind = re.sub(r"(?:Annotated\[)?tuple\[(.*), \.\.\.\](?:, Field\(min_length=1\)\])?", r"list of \1", kind)
    return re.sub(r"\b[A-Za-z]+\b", lambda found: WORDS.get(found[0], found[0]), kind).replace(" | ", ", ")


def page() -> str:
    """All of it as Markdown."""
    parts = [INTRODUCTION]
    parts += [_table(name.capitalize(), found) for name, found in options().items()]
    for kind in KINDS:
        for name in registry.names(kind):
            if found := _of_plugin(kind, name):
                parts.append(_table(f"{registry.GROUPS[kind].capitalize()} `{name}`", found))
    return "\n".join(parts)


def _table(title: str, found: list[Option]) -> str:
    lines = [f"## {title}\n", "| key | value | default | |", "|---|---|---|---|"]
    for one in found:
        cells = (f"`{one.key}`", one.kind, f"`{one.default}`" if one.default is not None else "", one.doc)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def as_objects(found: dict[str, list[Option]]) -> list[dict[str, Any]]:
    return [{"name": one.key, **vars(one)} for several in found.values() for one in several]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
