"""`lab_functions`: a tiny Python function that does named operations, one statement per line. A level is one less
than their number."""

from collections.abc import Callable
from random import Random
from typing import Any

from genius_bench.lab.problem import Author, Problem, Reading, draw_reading, make_problem

FAMILY = "lab_functions"
Operation = tuple[str, str, Callable[[Any], Any]]
"""What it is called, its statement, and what it does."""
UP_TO, FROM = Reading("up to", 0.42), Reading("from", 0.42)
"""Both keep the number that they name; the tempted leave it out."""
READINGS = {UP_TO: 0.2, FROM: 0.2}
LONGEST_SHOWN = 5


def _number_operations(n: int) -> list[Operation]:
    return [
        (f"adds {n}", f"x = x + {n}", lambda x: x + n),
        (f"subtracts {n}", f"x = x - {n}", lambda x: x - n),
        (f"multiplies by {n}", f"x = x * {n}", lambda x: x * n),
        (f"takes the remainder by {n}", f"x = x % {n}", lambda x: x % n),
        ("squares it", "x = x * x", lambda x: x * x),
        ("changes the sign", "x = -x", lambda x: -x),
    ]


def _list_operations(n: int) -> list[Operation]:
    return [
        (f"adds {n} to each", f"x = [y + {n} for y in x]", lambda x: [y + n for y in x]),
        (f"multiplies each by {n}", f"x = [y * {n} for y in x]", lambda x: [y * n for y in x]),
        (f"keeps those over {n}", f"x = [y for y in x if y > {n}]", lambda x: [y for y in x if y > n]),
        (f"keeps those under {n}", f"x = [y for y in x if y < {n}]", lambda x: [y for y in x if y < n]),
        ("sorts them", "x = sorted(x)", sorted),
        ("reverses them", "x = x[::-1]", lambda x: x[::-1]),
    ]


def _read_operation(reading: Reading, n: int) -> tuple[str, tuple[str, str, str], Callable[[Any], Any]]:
    """Its name, its statement as the tempted and in two ways as the others write it, and what it does."""
    if reading == UP_TO:
        wrong, right, negated = f"y < {n}", f"y <= {n}", f"not y > {n}"
        apply: Callable[[Any], Any] = lambda x: [y for y in x if y <= n]  # noqa: E731
    else:
        wrong, right, negated = f"y > {n}", f"y >= {n}", f"not y < {n}"
        apply = lambda x: [y for y in x if y >= n]  # noqa: E731
    name = f"keeps those {reading.phrase} {n}{' on' if reading == FROM else ''}"
    return name, (wrong, right, negated), apply


def sample(rng: Random, level: int, shown: bool) -> Problem:
    """A function of a number or of a list; the question shows one of its tests."""
    reading = draw_reading(rng, READINGS)
    length = min(level + 1, LONGEST_SHOWN) if shown else level + 1
    on_list = reading is not None or rng.random() < 0.4
    operations = _list_operations if on_list else _number_operations
    # What keeps some of a list could hide whether the right ones were kept before.
    which = rng.choices((0, 1, 4, 5), k=length) if reading else rng.sample(range(6), length)
    chosen = [operations(rng.randint(2, 9))[i] for i in which]
    conditions: tuple[str, ...] = ()
    n = rng.randint(4, 9)
    if reading:
        name, conditions, apply = _read_operation(reading, n)
        chosen[0] = (name, f"x = [y for y in x if {conditions[1]}]", apply)
        # Without the named number in it an input would not tell the readings apart.
        inputs: list[Any] = [
            rng.sample([n, *rng.sample([y for y in range(1, 13) if y != n], 3)], 4) for _ in range(4)
        ]
    elif on_list:
        inputs = [rng.sample(range(1, 13), 3) for _ in range(4)]
    else:
        inputs = rng.sample(range(1, 13), 4)

    def write(author: Author) -> list[str]:
        read = author.read(reading, length)
        statements = []
        for number, (_, statement, _) in enumerate(chosen):
            if reading and number == 0:
                statement = f"x = [y for y in x if {conditions[read.way if read.right else 0]}]"
            others = [other for _, other, _ in operations(author.rng.randint(2, 9))]
            statements.append(author.pick(statement, others))
        return ["def f(x):", *(f"    {statement}" for statement in statements), "    return x"]

    def run(value: Any) -> Any:
        for _, _, apply in chosen:
            value = apply(value)
        return value

    tests = [f"assert f({value}) == {run(value)}" for value in inputs]
    told = ", then ".join(name for name, _, _ in chosen)
    subject = "takes a list x of numbers" if on_list else "takes a number x"
    question = f"Write a Python function f(x) that {subject}, {told} and returns the result.\n{tests[0]}"
    return make_problem(
        FAMILY, question, write, key=f"{FAMILY} {told} {on_list}", level=level, reading=reading, tests=tests
    )
