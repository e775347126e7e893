"""What a class declares, read from its source without running it: an objective is listed in no time where importing
it would import torch, and a field keeps the words that stand beneath it, which Python itself forgets."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CONSTRAINTS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


@dataclass(frozen=True)
class Field:
    """One annotated line of a class. `default` is the source of the value, None where there is none."""

    name: str
    kind: str
    default: str | None
    doc: str = ""

    @property
    def value(self) -> Any:
        """The default as a value where it is a constant, else as its source."""
        return None if self.default is None else _value(ast.parse(self.default, mode="eval").body)


@dataclass
class Declared:
    """A class with what it inherits: its `doc`, its constants and its fields, in their order."""

    doc: str = ""
    constants: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)


@cache
def declared(place: str) -> Declared:
    """Of the class at `package.module:Name`. A base that is not found in source declares nothing."""
    module, _, name = place.partition(":")
    tree = _tree(module)
    node = next((one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name), None)
    if node is None:  # it may be handed on from where it is written
        source = _imports(tree).get(name)
        return declared(source) if source else Declared()
    found = Declared()
    for base in reversed(node.bases):
        if isinstance(base, ast.Name):
            above = declared(_imports(tree).get(base.id, f"{module}:{base.id}"))
            found.constants |= above.constants
            found.fields |= above.fields
    found.doc = ast.get_docstring(node) or ""
    for line, doc in _lines(node):
        if isinstance(line, ast.Assign):
            found.constants |= {
                one.id: _value(line.value) for one in line.targets if isinstance(one, ast.Name)
            }
        elif isinstance(line.target, ast.Name):
            kind, name = _spelt_out(module, ast.unparse(line.annotation)), line.target.id
            if kind.startswith("ClassVar"):
                found.constants |= {name: _value(line.value)} if line.value else {}
            elif not name.startswith("_"):
                found.fields[name] = _field(name, kind, line.value, doc)
    return found


@cache
def _tree(module: str) -> ast.Module:
    """Empty where there is no source to read."""
    try:
        found = find_spec(module)
        origin = found.origin if found else None
        return ast.parse(Path(origin).read_text(encoding="utf-8") if origin else "")
    except (ImportError, OSError, ValueError, SyntaxError):
        return ast.parse("")


def _imports(tree: ast.Module) -> dict[str, str]:
    """Name → where it comes from, as `package.module:Name`."""
    return {
        one.asname or one.name: f"{node.module}:{one.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for one in node.names
    }


def _spelt_out(module: str, kind: str) -> str:
    """A type with what its names stand for, where these are choices or numbers with limits."""
    return re.sub(r"\b[A-Z]\w+\b", lambda found: _alias(module, found[0]) or found[0], kind)


@cache
def _alias(module: str, name: str) -> str | None:
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            said = ast.unparse(node.value)
            return (
                _spelt_out(module, said)
                if said.startswith(("Literal[", "Annotated[")) or said.isidentifier()
                else None
            )
    source, _, original = _imports(tree).get(name, "").partition(":")
    return _alias(source, original) if source else None


def _lines(node: ast.ClassDef) -> Iterator[tuple[ast.Assign | ast.AnnAssign, str]]:
    """Each assignment with the string beneath it."""
    for line, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(line, ast.Assign | ast.AnnAssign):
            text = following.value if isinstance(following, ast.Expr) else None
            said = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
            yield line, " ".join(said.split())


def _field(name: str, kind: str, value: ast.expr | None, doc: str) -> Field:
    """Pydantic's `Field(default=…, ge=…)` as a default and conditions."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        given = {one.arg: one.value for one in value.keywords if one.arg}
        kind += limits(value)
        value = given.get("default", value.args[0] if value.args else None)
    return Field(name, kind, None if value is None else ast.unparse(value), doc)


def limits(call: ast.expr) -> str:
    """What a `Field(…)` says of a number, with a space before it."""
    given = call.keywords if isinstance(call, ast.Call) else []
    said = [f"{CONSTRAINTS[one.arg]} {ast.unparse(one.value)}" for one in given if one.arg in CONSTRAINTS]
    return f" {' and '.join(said)}" if said else ""


def _value(value: ast.expr | None) -> Any:
    """A constant, or else its source."""
    try:
        return ast.literal_eval(value) if value is not None else None
    except ValueError:
        return ast.unparse(value) if value is not None else None
