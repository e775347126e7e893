"""Values that come out of the sandbox: text that is nothing but a value, and what it takes to use it elsewhere.

The sandbox's driver writes them (`literal` there), but a program may write what it likes: hence the check.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from genius_bench.evaluation.sandbox_driver import DIGITS, NAMED

HOMES = {name: home for home, name, _ in NAMED} | {"inf": "math", "nan": "math"}
"""Names that a value may use, and where they come from."""
STAND_INS = """
def _generated(items, ended):
    yield from items
    if not ended:
        raise LookupError("the sandbox told no more")

class _thing:
    def __init__(self, truth, items=None):
        self._truth, self._items = truth, items
    def __bool__(self):
        return self._truth
    def __iter__(self):
        return iter(self._items)
    def __len__(self):
        return len(self._items)
"""
"""What stands for iterators, of which the sandbox tells all or the first items, and for objects, of which it tells
whether they are true (and the items of a dictionary's values). A thing is equal to nothing, so it satisfies no more
than any object of a program's own could."""
NAMES = frozenset((*HOMES, "set", "bytearray", "range", "_generated", "_thing"))
NODES = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Load),
    *(ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub),  # negative and complex numbers
)
MAX_LEVELS = 48
"""Of a value's syntax tree: more than the sandbox's own values have, few enough for every recursive function here."""


_raising = Lock()
_raised: list[int] = []
"""The limit that each of those who raise it has found, the first one's being Python's own."""


@contextmanager
def long_integers() -> Iterator[None]:
    """Python reads and writes integers of 50,000 digits, as in LiveCodeBench, instead of 4,300.

    The limit is the whole process's: of several threads the first raises it, and the last to leave puts it back.
    """
    with _raising:
        _raised.append(sys.get_int_max_str_digits())
        sys.set_int_max_str_digits(DIGITS)
    try:
        yield
    finally:
        with _raising:
            own = _raised[0]
            _raised.pop()
            if not _raised:
                sys.set_int_max_str_digits(own)


def value_of(text: str) -> ast.expr | None:
    """What came out of the sandbox as an expression, if it is one that is nothing but a value."""
    try:
        value = ast.parse(text, mode="eval").body
        ast.unparse(value)  # hexadecimal digits are read without a limit, and cannot be written
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    level: list[ast.AST] = [value]
    for _ in range(MAX_LEVELS):
        if not all(isinstance(node, NODES) or _names_value(node) for node in level):
            return None
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return None if level else value


def _names_value(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and not node.keywords
    return isinstance(node, ast.Name) and node.id in NAMES


def prelude(conditions: Sequence[str]) -> str:
    """Code for what conditions name: the types of values, stand-ins, and modules of the standard library."""
    trees = [ast.parse(condition) for condition in conditions]
    names = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = [f"from {HOMES[name]} import {name}" for name in sorted(names & HOMES.keys())]
    lines += [f"import {name}" for name in sorted(names & sys.stdlib_module_names)]
    return "\n".join(lines) + (STAND_INS if names & {"_generated", "_thing"} else "")


def equal_literals(condition: str) -> bool | None:
    """Whether a condition `a == b` of two literals holds; None for any other."""
    tree = ast.parse(condition, mode="eval").body
    if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq)):
        return None
    try:
        return bool(ast.literal_eval(tree.left) == ast.literal_eval(tree.comparators[0]))
    except (ValueError, TypeError, ArithmeticError):
        return None
