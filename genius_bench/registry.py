"""Plug-ins by name, found through entry points: ours and a third party's come the same way."""

import ast
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genius_bench.errors import GeniusBenchError, InputError, nearest

GROUPS = {
    "methods": "method",
    "objectives": "objective",
    "token_objectives": "token objective",
    "tasks": "task",
    "corpora": "corpus",
    "engines": "engine",
}
"""Kind → what one of them is called."""


@cache
def _group(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"genius_bench.{kind}")}


def names(kind: str) -> list[str]:
    """The installed plug-ins of a kind (`methods`, `objectives`, `tasks`, …), sorted."""
    return sorted(_group(kind))


def check(kind: str, name: str, also: Iterable[str] = ()) -> None:
    """Raises `InputError` that names the nearest installed plug-in (or of `also`) when there is none called `name`."""
    if not isinstance(name, str) or name not in _group(kind):
        others = (GROUPS[other] for other in GROUPS if name in names(other))
        hint = next((_hint(GROUPS[kind], other, name) for other in others), None)
        raise InputError(f"unknown {GROUPS[kind]} '{name}': {hint or nearest(name, [*names(kind), *also])}")


def _hint(wanted: str, found: str, name: str) -> str:
    """Where another kind of plug-in has the name."""
    losses = {"objective": "is for rows that were sampled before", "token objective": "is for online methods"}
    if {wanted, found} <= losses.keys():
        return f"the {found} '{name}' {losses[found]}; here are {', '.join(names(_kind(wanted)))}"
    return f"but there is the {found} '{name}' (--{found.split()[-1]})"


def _kind(called: str) -> str:
    return next(kind for kind, name in GROUPS.items() if name == called)


def place(kind: str, name: str) -> str:
    """Where a plug-in is, as `package.module:Name`."""
    check(kind, name)
    return _group(kind)[name].value


def load(kind: str, name: str) -> Any:
    """The object behind a plug-in's entry point, imported now.

    Raises `InputError` that names the nearest installed plug-in when there is none called `name`.
    """
    check(kind, name)
    point = _group(kind)[name]
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise GeniusBenchError(
            f"{GROUPS[kind]} '{name}' ({point.value}) cannot be loaded: {error}"
        ) from error


def code_digest(plugin: type) -> str:
    """Of the file that defines a plug-in, comments and docstrings aside: edited code makes new artifacts."""
    source = inspect.getsource(sys.modules[plugin.__module__])
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)] or [ast.Pass()]  # type: ignore[attr-defined]
    return sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
