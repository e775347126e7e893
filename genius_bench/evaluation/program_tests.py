"""The tests of a programming contest's problem, as a row of LiveCodeBench holds them."""

import base64
import io
import json
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, get_args

from genius_bench.errors import InputError

Kind = Literal["stdin", "functional"]
MAX_BYTES = 2**29
"""Of one row's unpacked private tests; the largest real ones are a tenth of that. More is taken for damage."""

DAMAGE = (
    *(
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        EOFError,
        RecursionError,
        MemoryError,
    ),
    *(zlib.error, pickle.UnpicklingError),
)
"""What reading damaged tests can raise (a pickle's own errors are many)."""


@dataclass(frozen=True)
class ProgramTest:
    """What a program is given and what it has to answer: on standard input and output, or, for a function, a JSON
    argument a line and the JSON result."""

    input: str
    output: str
    kind: Kind


def read_tests(row: Mapping[str, Any]) -> list[ProgramTest]:
    """The public and the private tests of a row. Raises InputError, which names the row, when they cannot be read."""
    name = str(row.get("question_id", "without question_id"))
    tests = []
    for column, unpack in (("public_test_cases", _plain), ("private_test_cases", _packed)):
        try:
            tests += [_test(entry) for entry in unpack(row.get(column) or "[]")]
        except DAMAGE as error:
            raise InputError(
                f"row {name}: {column} cannot be read ({type(error).__name__}: {error})"
            ) from error
    return tests


def function_name(row: Mapping[str, Any]) -> str | None:
    """The function that the tests of a row call; None for a program that reads standard input."""
    try:
        name = json.loads(row.get("metadata") or "{}").get("func_name")
    except (ValueError, AttributeError) as error:
        raise InputError(f"row {row.get('question_id')}: metadata is not a JSON object") from error
    return None if name is None else str(name)


def _test(entry: Mapping[str, Any]) -> ProgramTest:
    kind = entry["testtype"]
    if kind not in get_args(Kind):
        raise ValueError(f"testtype {kind!r}")
    if not (isinstance(entry["input"], str) and isinstance(entry["output"], str)):
        raise TypeError("input and output must be text")
    return ProgramTest(entry["input"], entry["output"], kind)


def _plain(text: str) -> list[Mapping[str, Any]]:
    entries = json.loads(text)
    if not (isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries)):
        raise TypeError("not a list of tests")
    return entries


def _packed(text: str) -> list[Mapping[str, Any]]:
    """JSON as it is, or packed: a pickled string, compressed, in base64."""
    if text.lstrip().startswith("["):
        return _plain(text)
    unpacker = zlib.decompressobj()
    pickled = unpacker.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
    if not unpacker.eof:
        raise ValueError("cut short, or too large")
    return _plain(_Strings(io.BytesIO(pickled)).load())


class _Strings(pickle.Unpickler):
    """Reads pickled text and plain containers; refuses whatever would import or call something."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} has no place in tests")

    def persistent_load(self, reference: Any) -> NoReturn:
        raise pickle.UnpicklingError("references have no place in tests")
