"""Code in answers: where it starts and ends, and which tests can be run."""

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.code import Submission, entry_point_of, extract, grade

needs_sandbox = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))
CODE = "def f(x):\n    return x + 1"


@pytest.mark.parametrize(
    "answer",
    [
        CODE,
        CODE + "\n",
        f"Here it is:\n```python\n{CODE}\n```\nIt adds one.",
        f"```\ndef g(x): return x\n```\nBetter:\n```py\n{CODE}\n```",
        f"```python\n{CODE}\n```\nFor example:\n```\nf(2) == 3\n```",
        f"Sure!\n{CODE}\n\nThis adds one to x.",
        f"```python\n{CODE}",
    ],
)
def test_code_is_found(answer: str) -> None:
    assert extract(answer, "f") == CODE


@pytest.mark.parametrize("answer", ["", "The answer is 3.", "def g(x): return x", "def f(x) return x", "f"])
def test_no_code_is_a_format_failure(answer: str) -> None:
    assert extract(answer, "f") is None


def test_imports_before_the_function_are_kept() -> None:
    assert extract(f"import math\n\n{CODE}\nDone.", "f") == f"import math\n\n{CODE}"


@pytest.mark.parametrize("tests", [(), ("assert True",), ("x = 1",)])
def test_tests_that_would_pass_anything_are_refused(tests: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="test"):
        grade([Submission(CODE, "f", tests)])


@pytest.mark.parametrize(
    ("tests", "name"),
    [
        (["assert f(1) == 2", "assert f(g(2)) == 3"], "f"),
        (["assert chain([Pair(1, 2)]) == 3", "assert chain([Pair(1, 2), Pair(3, 4)]) == 4"], "chain"),
        (["assert set(f(1)) == set([2])", "assert sorted(f(2)) == [3]"], "f"),
        (["assert math.isclose(f(1), 2.0)", "assert abs(f(2) - 3) < 1e-6"], "f"),
        (["assert Counter(f('a')) == Counter('a')"], "f"),
        (["assert sum(10, 15) == 6"], "sum"),
        (["assert f(1) == 2", "assert g(1) == 2"], None),
        (["assert True"], None),
        (["assert f(1"], None),
        ([], None),
    ],
)
def test_the_function_asked_for_is_in_the_asserts(tests: list[str], name: str | None) -> None:
    assert entry_point_of(tests) == name


@needs_sandbox
@pytest.mark.parametrize(
    ("result", "condition", "holds"),
    [
        ("[1, 2]", "f() == [1, 2]", True),
        ("(1, 2)", "f() == [1, 2]", False),
        ("1.0", "f() == 1", True),
        ("True", "f() == 1", True),
        ("None", "not f()", True),
        ("[2, 1]", "set(f()) == set([1, 2])", True),
        ("(n for n in (1, 2))", "list(f()) == [1, 2]", True),
        ("map(str, [2, 1])", "sorted(f()) == ['1', '2']", True),
        ("(n for n in (1, 2))", "f() == [1, 2]", False),
        ("0.1 + 0.2", "math.isclose(f(), 0.3)", True),
        ("0.1 + 0.2", "f() == 0.3", False),
        ("float('inf')", "f() == float('inf')", True),
        ("float('nan')", "math.isnan(f())", True),
        ("float('nan')", "f() == f()", False),
        ("collections.Counter('aab')", "f() == {'a': 2, 'b': 1}", True),
        ("collections.OrderedDict(a=1, b=2)", "f() == collections.OrderedDict([('b', 2), ('a', 1)])", False),
        ("collections.deque([1])", "f() == [1]", False),
        ("collections.deque([1])", "f() == collections.deque([1])", True),
        ("decimal.Decimal('0.5')", "f() == 0.5", True),
        ("{'a': 1}.keys()", "f() == {'a'}", True),
        ("(1, 2)", "f()[1] == 2 and len(f()) == 2", True),
        ("2", "f() == N", True),
        ("object()", "f() == f()", False),
    ],
)
def test_conditions_hold_as_python_holds_them(result: str, condition: str, holds: bool) -> None:
    program = f"import collections, decimal\ndef f(): return {result}"
    [verdict] = grade([Submission(program, "f", (f"assert {condition}",), "N = 2")])
    assert verdict.correct is holds, verdict


@needs_sandbox
def test_setup_may_use_the_programs_classes() -> None:
    program = "class Node:\n    def __init__(self, v): self.v = v\ndef f(n): return n.v"
    setup = "root = Node(3)"
    assert grade([Submission(program, "f", ("assert f(root) == 3",), setup)])[0].correct
    assert not grade([Submission(program, "f", ("assert f(root) == 3",))])[0].correct


def test_a_machine_without_bubblewrap_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.available.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    try:
        assert sandbox.available() == "no sandbox (apt install bubblewrap)"
    finally:
        sandbox.available.cache_clear()


def test_a_machine_that_forbids_namespaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.available.cache_clear()
    monkeypatch.setattr(
        sandbox, "_bubblewrap", lambda: ["sh", "-c", "echo bwrap: no permissions >&2; exit 1"]
    )
    try:
        reason = sandbox.available()
    finally:
        sandbox.available.cache_clear()
    if reason != "no sandbox (apt install bubblewrap)":
        assert reason == "no sandbox (bubblewrap cannot isolate programs here: bwrap: no permissions)"
