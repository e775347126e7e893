"""`lab_functions`: a tiny Python function that does two or three named operations; one statement per line."""

from collections.abc import Callable
from random import Random
from typing import Any

from genius_bench.lab.problem import Author, Problem, make_problem

FAMILY = "lab_functions"
Operation = tuple[str, str, Callable[[Any], Any]]
"""What it is called, its statement, and what it does."""


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


def sample(rng: Random) -> Problem:
    """A function of a number or of a list; the question shows one of its tests."""
    on_list = rng.random() < 0.5
    operations = _list_operations if on_list else _number_operations
    chosen = [operations(rng.randint(2, 9))[i] for i in rng.sample(range(6), rng.choice((2, 3)))]
    inputs: list[Any] = (
        [rng.sample(range(1, 13), 3) for _ in range(4)] if on_list else rng.sample(range(1, 13), 4)
    )

    def write(author: Author) -> list[str]:
        statements = []
        for _, statement, _ in chosen:
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
    return make_problem(FAMILY, question, write, tests=tests)
