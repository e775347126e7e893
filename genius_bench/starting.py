"""A plug-in package to start from: the files of one kind of the example package, under a name of one's own."""

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from genius_bench import registry
from genius_bench.errors import InputError, nearest


@dataclass(frozen=True)
class Kind:
    """What of the example package makes a plug-in of one kind, and what the package can do once it is installed."""

    registered: str
    """The kind's name in `registry.GROUPS`."""
    word: str
    """The plug-in is called `example-<word>` there, `example_<word>` or `Example<Word>`."""
    files: tuple[str, ...]
    """In the package's folder; the entry point names the first of them."""
    commands: tuple[str, ...]
    """What to try, with the plug-in's name in place of NAME."""


SMALL = "--queries 64 --suite lab_words --set evaluation.limit=20"
SHORT = f"{SMALL} --set sampling.max_tokens=128"

KINDS = {
    "method": Kind("methods", "confidence", ("method.py",), (f"train --method NAME {SHORT}",)),
    "pair-method": Kind("methods", "brevity", ("pair_method.py",), (f"train --method NAME {SHORT}",)),
    "online-method": Kind("methods", "agreement", ("online_method.py",), (f"train --method NAME {SHORT}",)),
    "objective": Kind(
        "objectives", "hinge", ("objective.py",), (f"train --method self-rewarding --objective NAME {SMALL}",)
    ),
    "task": Kind(
        "tasks",
        "parity",
        ("tasks/__init__.py", "tasks/example_parity/task.yaml", "items.py"),
        ("tasks verify NAME", "eval lab --suite NAME"),
    ),
    "code-task": Kind(
        "tasks",
        "power",
        ("tasks/__init__.py", "tasks/example_power/task.yaml", "code_items.py"),
        ("tasks verify NAME", "eval lab --suite NAME"),
    ),
    "corpus": Kind("corpora", "sums", ("corpus.py",), (f"train --method star --corpus NAME {SMALL}",)),
    "engine": Kind(
        "engines",
        "plain",
        ("engine.py",),
        ("eval lab --suite lab_words --engine NAME --set evaluation.limit=20 --home ./NAME-home",),
    ),
}


def lay_down(kind: str, name: str, parent: Path) -> Path:
    """Writes the package into a new folder `parent/name` and returns that.

    Raises `InputError` for an unknown kind, a name that is taken or cannot be one, and a folder that is there.
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind '{kind}': {nearest(kind, list(KINDS))}")
    _check(KINDS[kind], name)
    folder = parent / name
    if folder.exists():
        raise InputError(f"{folder} exists already: give another name, or another place with --into")
    source = Path(str(files("genius_bench.examples")))
    named = _names(KINDS[kind].word, name)
    parts = {"pyproject.toml": _metadata(KINDS[kind], (source / "pyproject.toml").read_text("utf-8"))}
    for part in ("__init__.py", *KINDS[kind].files):
        path = Path("example_plugin", part)
        parts[str(path)] = (source / path).read_text("utf-8")
    try:
        for place, text in parts.items():
            path = folder / _renamed(place, named)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_renamed(text, named), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from error
    return folder


def _check(kind: Kind, name: str) -> None:
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise InputError(f"'{name}' cannot be a package's name: write it in small letters, as in best-of-two")
    if name in registry.names(kind.registered):
        raise InputError(f"there is a {registry.GROUPS[kind.registered]} '{name}' already: give another name")
    if find_spec(module) is not None:
        raise InputError(f"there is a Python module '{module}' already: give another name")


def _names(word: str, name: str) -> dict[str, str]:
    """Names of the example package → names of the new one."""
    module, title = name.replace("-", "_"), "".join(part.capitalize() for part in name.split("-"))
    return {
        f"example-{word}": name,
        f"example_{word}": module,
        f"Example{word.capitalize()}": title,
        "example-plugin": name,
        "example_plugin": module,
    }


def _renamed(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _metadata(kind: Kind, text: str) -> str:
    """The example's pyproject.toml with no other entry points than the kind's own."""
    place = kind.files[0].removesuffix(".py").removesuffix("/__init__")
    tables = []
    for table in text.strip().split("\n\n"):
        head, *lines = table.splitlines()
        if head.startswith("[project.entry-points"):
            lines = [line for line in lines if re.search(rf'"example_plugin\.{place}[":]', line)]
        elif "package-data" in head and place != "tasks":
            lines = []
        if lines:
            tables.append("\n".join([head, *lines]))
    return "\n\n".join(tables) + "\n"
