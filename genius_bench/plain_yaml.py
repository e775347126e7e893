"""YAML as people write recipes: nested mappings of text and numbers, every key once, none of the language's traps."""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from genius_bench.errors import InputError

MOST_DEPTH = 20
MOST_NODES = 10_000
"""Aliases count as what they stand for: ten lines of them can stand for more than any memory holds."""
LONGEST = 2**18
"""Characters: some seconds of reading."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads 5e-7 as text; people who set a learning rate mean a number (as YAML 1.2 does)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if tag := getattr(event, "tag", None):
            problem = f"'{tag}' tells how to read what follows: leave it out, text goes into quotes"
            raise ConstructorError(None, None, problem, event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))
_OTHER_BASE = re.compile(r"[-+]?0[0-7_]+|.*:.*")
"""YAML 1.1 reads 010 as 8 and 1:30 as 90."""


def read(path: Path, kind: str = "") -> Any:
    """What a file holds; None where it is empty. `kind` is what messages call it ("recipe").

    Raises `InputError` with the line where it does not parse.
    """
    name = f"{kind} {path}".lstrip()
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise InputError(f"{name}{where} is not valid YAML: {problem_of(error)}") from error


def problem_of(error: Exception) -> str:
    """What is wrong with a text, as `parse` raises it."""
    return str(getattr(error, "problem", None) or error)


def parse(text: str) -> Any:
    """Raises `ValueError`, or `yaml.YAMLError` with the place (`problem_mark`) and what is wrong there (`problem`)."""
    if len(text) > LONGEST:
        raise ValueError(f"it has more than {LONGEST} characters")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node)
        return loader.construct_document(node)
    except RecursionError:
        raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep") from None
    finally:
        loader.dispose()


def _check(root: yaml.Node) -> None:
    waiting, seen = [(root, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > MOST_DEPTH:
            raise _refusal(node, f"it is nested more than {MOST_DEPTH} levels deep")
        if seen > MOST_NODES:
            raise _refusal(node, f"it holds more than {MOST_NODES} values")
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
            waiting += [(one, depth + 1) for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(one, depth + 1) for one in node.value]
        elif node.tag.endswith((":int", ":float")) and _OTHER_BASE.fullmatch(node.value):
            raise _refusal(
                node, f"'{node.value}' is a number to base 8 or 60: write it out, or in quotes as text"
            )


def _check_keys(mapping: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _refusal(key, "a key is a name, not a list or a mapping")
        if key.tag.endswith(":merge"):
            raise _refusal(key, "'<<' puts keys here that stand elsewhere: write them out")
        name = (key.tag, key.value)
        if name in lines:
            raise _refusal(key, f"'{key.value}' is given twice (first in line {lines[name]})")
        lines[name] = key.start_mark.line + 1


def _refusal(node: yaml.Node, problem: str) -> ConstructorError:
    return ConstructorError(None, None, problem, node.start_mark)
