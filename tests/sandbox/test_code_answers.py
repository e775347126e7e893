"""Code in answers: where it starts and ends, and which tests can be run."""

import re
import subprocess
import sys
from contextlib import ExitStack

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation import graders, sandbox
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.generations import _read_tests
from genius_bench.evaluation.graders.asserts import entry_point_of, unfit
from genius_bench.evaluation.graders.blocks import program
from genius_bench.evaluation.graders.code import Submission, grade
from genius_bench.evaluation.graders.values import long_integers, value_of
from genius_bench.evaluation.program_tests import ProgramTest
from genius_bench.evaluation.row_checks import check_row

needs_sandbox = pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))
CODE = "def f(x):\n    return x + 1"


def test_pythons_limit_of_digits_comes_back_whoever_leaves_first() -> None:
    """Two threads that grade at once: the second comes before the first has gone."""
    own = sys.get_int_max_str_digits()
    first, second = long_integers(), long_integers()
    with ExitStack() as held:
        with first:
            held.enter_context(second)
        assert len(str(10**10_000)) == 10_001, "one of them still grades"
    assert sys.get_int_max_str_digits() == own


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
    assert program(answer, "f") == CODE


@pytest.mark.parametrize("answer", ["", "The answer is 3.", "def g(x): return x", "def f(x) return x", "f"])
def test_no_code_is_a_format_failure(answer: str) -> None:
    assert program(answer, "f") is None


def test_imports_before_the_function_are_kept() -> None:
    assert program(f"import math\n\n{CODE}\nDone.", "f") == f"import math\n\n{CODE}"


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ((), "no tests"),
        (("assert True",), "must call f"),
        (("x = 1",), "without loops or variables, not: x = 1"),
        (("for n in range(3):\n    assert f(n) == n",), "not: for n in range"),
        (("def check(f):\n    assert f(1) == 2",), "not: def check"),
        (("assert f(1) == 2", ""), "empty"),
        (("assert f(1) == 2", "assert f(1"), "no Python"),
    ],
)
def test_tests_that_cannot_be_run_are_refused(tests: tuple[str, ...], reason: str) -> None:
    assert reason in (unfit(tests, "f") or "")
    with pytest.raises(ValueError, match=re.escape(reason)):
        grade([Submission(CODE, "f", tests)])


@pytest.mark.parametrize(
    ("test", "setup", "reason"),
    [
        *(
            (condition, "", f"must not use a variable of the test's own ({name})")
            for condition, name in [
                ("all(f(i) > 0 for i in range(-3, 3))", "i"),
                ("[f(a) for a, _ in [(1, 2)]] == [2]", "a"),
                ("[f(f(id)) for id in (1, 2)] == [3, 4]", "id"),
                ("(lambda y: f(y))(3) == 4", "y"),
                ("(n := len([1])) and f(n) == 2", "n"),
                ("all(list(f(i)) == [] for i in (1, 2))", "i"),
            ]
        ),
        *(
            (condition, "", "whatever f does")
            for condition in [
                "(f(1) == 99, 'message')",
                "[f(1) == 99]",
                "{'same': f(1) == 99}",
                "f(1) == 99 or True",
                "f(1) == 99 or ('message', 3)",
                "f(1) == 2 and (f(2) == 99, 'message')",
                "not (f(1),)",
                "(f(1) == 99, 'message') if f(2) else 0",
                "(one for one in f(1))",
                "lambda: f(1)",
            ]
        ),
        ("f'{f(1)}' == '2'", "", "must not call f within an f-string"),
        ("g(f(3)) == 3", "", "names what nobody but an answer could have (g)"),
        ("f(1) == expected", "", "could have (expected)"),
        ("f.__name__ == 'f' and f(1) == 2", "", "could have (f)"),
        ("f((y := 3)) == y", "", "could have (y)"),
        ("f(1) == 2", "import (", "the code that they need is no Python (line 1)"),
        ("await f(1)", "", "a test is no Python ('await' outside function)"),
        (f"f{'(1' * 300}{')' * 300}", "", "a test is no Python (too many nested parentheses)"),
    ],
)
def test_asserts_that_would_be_settled_by_chance_are_refused(test: str, setup: str, reason: str) -> None:
    assert reason in (unfit([f"assert {test}"], "f", setup) or "")
    with pytest.raises(ValueError, match=re.escape(reason)):
        grade([Submission(CODE, "f", (f"assert {test}",), setup)])


@pytest.mark.parametrize(
    ("test", "setup"),
    [
        ("f(Pair(1, other)) == 3", ""),
        ("g(f(3)) == N", "def g(x): return x\nN = 4"),
        ("near(f(1), 2)", "from math import *\nfrom math import isclose as near"),
        ("floor(f(1)) == 2", "from math import *"),
        ("f(f'{f(1)}') == f'{2}'", ""),
        ("f([i for i in range(3)]) == [i + 1 for i in range(3)]", ""),
        ("all(one == 2 for one in f(1)) and (y := f(3)) == 4 and y > 3", ""),
        ("math.isclose(f(1), 2) and Counter(f(2)) and f(3) < inf", ""),
        ("f(1) == (2, 'message') and f(2) == [True] and not f(3)", ""),
    ],
)
def test_asserts_that_python_and_the_benchmark_settle_fit(test: str, setup: str) -> None:
    assert unfit([f"assert {test}"], "f", setup) is None


def test_numbers_of_many_digits_fit() -> None:
    test = f"assert f(1) == 1{'0' * 5000}"
    assert unfit([test], "f") is None
    assert entry_point_of([test]) == "f"


ROW = {"text": "Add one.", "code": CODE, "test_list": [], "tests": ["assert f(1) == 2"], "entry_point": "f"}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("tests", None, "column 'tests' is null"),
        ("tests", [], "column 'tests'"),
        (
            "tests",
            ["x = 2\nassert f(1) == x"],
            "column 'tests': a test must be assert statements without loops",
        ),
        ("tests", ["assert f(1"], "column 'tests': a test is no Python"),
        ("tests", ["assert g(1) == 2"], "column 'tests': a test must call f"),
        ("entry_point", "f(x)", "column 'tests': a test must call f(x)"),
        ("setup", ["x = 1"], "column 'setup'"),
        ("setup", "import (", "column 'tests': the code that they need is no Python"),
        ("tests", ["assert (f(1) == 2, 'message')"], "column 'tests': (a part of) a test is true or false"),
    ],
)
def test_an_item_that_cannot_be_graded_is_named(column: str, value: object, reason: str) -> None:
    card = task_card("mbpp")
    check_row(card, ROW, "row 1 of split 'test'")
    with pytest.raises(InputError, match=f"task 'mbpp': row 2 of split 'test': {re.escape(reason)}"):
        check_row(card, ROW | {column: value}, "row 2 of split 'test'")


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("builtins:dict", "cannot be read"),
        ("builtins:len", "cannot be read"),
        (f"{__name__}:unequal_kinds", "functional tests need a function"),
    ],
)
def test_a_program_whose_tests_cannot_be_had_is_named(tests: str, reason: str) -> None:
    card = task_card("livecodebench")
    card = card.model_copy(update={"facts": card.facts.model_copy(update={"tests": tests})})
    with pytest.raises(InputError, match=f"task 'livecodebench': item item-7: .*{reason}"):
        _read_tests(card, "item-7", {"question": "?"})


def unequal_kinds(row: object) -> tuple[str, list[ProgramTest]]:
    return "f", [ProgramTest("1", "2", "stdin")]


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
        ("(n for n in (1, 2))", "sum(f()) == 3", True),
        ("(n for n in (1, 2))", "len(f()) == 2", False),
        ("(n for n in (1, 2))", "next(f()) == 1 and next(f()) == 1", True),
        ("itertools.count()", "list(itertools.islice(f(), 3)) == [0, 1, 2]", True),
        ("range(3)", "len(f()) == 3 and sum(f()) == 3 and f() == range(3)", True),
        ("range(3)", "f() == [0, 1, 2]", False),
        ("{1: 2, 3: 4}.values()", "sum(f()) == 6 and len(f()) == 2", True),
        ("map(str, [1, 2])", "'-'.join(f()) == '1-2'", True),
        ("re.match('a', 'a')", "f()", True),
        ("re.match('a', 'a')", "not f()", False),
        ("re.match('b', 'a')", "f() is None", True),
        ("re.match('a', 'a')", "f()[0] == 'a' and f().string == 'a'", True),
        ("[object(), object()]", "len(f()) == 2", True),
        ("collections.namedtuple('P', 'x y')(1, 2)", "f().x == 1 and f() == (1, 2)", True),
        ("bytearray(b'a')", "f() == b'a'", True),
        ("'aab'", "f().count('a') == 2 and f().startswith('a') and f().upper() == 'AAB'", True),
        ("[1, 2]", "f().index(2) == 1 and f().__class__ == list and f()[0].bit_length() == 1", True),
        ("[1, 2]", "f()[len(f()) - 1] == 2 and f()[:1] == [1] and f()[-1] == 2", True),
        ("[1, 2]", "type(f()) == list and isinstance(f(), list)", True),
        (
            "{'a': [1]}",
            "f()['a'].count(1) == 1 and f().get('b', 3) == 3 and ','.join(f().keys()) == 'a'",
            True,
        ),
        ("{'b': [1], 'a': [2]}", "max(f().items())[0] == 'b' and ','.join(f().keys()) == 'b,a'", True),
        ("'%s'", "f() % 3 == '3' and f().format() == '%s'", True),
        ("10**20000", "f() == 10**20000", True),
        ("10**20000 + 1", "f() == 10**20000", False),
        ("10**4999", f"f() == 1{'0' * 4999}", True),
        ("sum(map(int, str(2**20000)))", "f() == 26995", True),
        ("str(10**49999)", "len(f()) == 50000", True),
    ],
)
def test_conditions_hold_as_python_holds_them(result: str, condition: str, holds: bool) -> None:
    source = f"import collections, decimal, itertools, re\ndef f(): return {result}"
    [verdict] = grade([Submission(source, "f", (f"assert {condition}",), "N = 2")])
    assert verdict.correct is holds, verdict


@pytest.mark.parametrize(
    "text",
    [
        *(
            "eval('7')",
            "exec",
            "object()",
            "f()",
            "__import__('sys')",
            "_thing(True)._truth",
            "(7).__class__",
        ),
        *(
            "lambda: 7",
            "[x for x in (7,)]",
            "f'{7}'",
            "7 if 1 else 8",
            "7 or 8",
            "7 == 7",
            "set(key=7)",
        ),
        *("(x := 7)", "[*set()]", "7 * 7", "", "7\n8", "[" * 60 + "]" * 60, "'\ud800", "\0"),
    ],
)
def test_what_is_more_than_a_value_is_none(text: str) -> None:
    assert value_of(text) is None
    assert value_of("[Decimal('1'), _generated([-1, 2j + 1], True), _thing(False), {1: set()}]") is not None


LIES = """
class Lie:
    def __eq__(self, other): return True
    __lt__ = __gt__ = __le__ = __ge__ = __contains__ = __eq__
    def __ne__(self, other): return False
    def __hash__(self): return 3
    def __bool__(self): return True
    def __iter__(self): return iter([Lie(), Lie()])
    def __len__(self): return 3
    def __sub__(self, other): return 0
    def __getattr__(self, name): return lambda *a: True
class Items(Lie):
    def __bool__(self): raise OSError
    def __next__(self): return Lie()
class Number(Lie, int): pass
class Sequence(Lie, list): pass
class Generator(Lie):
    __bool__ = __len__ = None
"""


@needs_sandbox
@pytest.mark.parametrize(
    "lie", ["Lie()", "Items()", "Number()", "Sequence([Lie()])", "Generator()", "iter([Lie()])"]
)
def test_objects_that_lie_prove_nothing(lie: str) -> None:
    conditions = [
        "f() == 3",
        "f() in [3]",
        "3 in f()",
        "abs(f() - 3) < 1",
        "sum(f()) == 6",
        "list(f()) == [3, 3]",
    ]
    conditions += ["f().startswith('3')", "all(one == 3 for one in f()) and f()", "max(f()) == 3", "f() > 2"]
    source = f"{LIES}\ndef f(): return {lie}"
    verdicts = grade([Submission(source, "f", (f"assert {one}",)) for one in conditions])
    assert [one for one, verdict in zip(conditions, verdicts, strict=True) if verdict.correct] == []


@needs_sandbox
def test_setup_may_use_the_programs_classes() -> None:
    source = "class Node:\n    def __init__(self, v): self.v = v\ndef f(n): return n.v"
    setup = "root = Node(3)"
    assert grade([Submission(source, "f", ("assert f(root) == 3",), setup)])[0].correct
    assert not grade([Submission(source, "f", ("assert f(root) == 3",))])[0].correct


def test_a_machine_without_bubblewrap_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.available.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    try:
        assert sandbox.available() == "no sandbox (apt install bubblewrap)"
    finally:
        sandbox.available.cache_clear()


def test_a_system_that_has_no_sandbox_says_so() -> None:
    """As macOS, which lacks these names."""
    code = """
import fcntl, os, sys
for name in [name for name in dir(fcntl) if "SEAL" in name]: delattr(fcntl, name)
del os.memfd_create, os.sched_getaffinity, os.pidfd_open
from genius_bench.evaluation import graders
sys.platform = "darwin"
print(graders.not_gradable("code"), graders.grade("number", [("So 3.", graders.Item("3"))])[0].correct)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("the sandbox needs Linux True\n", "")


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


def test_a_sandbox_that_does_not_start_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the program's own or that which settles a comparison."""
    right, tests = "def f(x): return {x: 2}", ("assert f(1)[1] == 2", "assert sorted(f(3)) == [3]")
    item = graders.Item("", tests=(*tests, "assert f(1) != 2"), entry_point="f")
    stdin = graders.Item("", program_tests=(ProgramTest("1", "1", "stdin"),))
    start, run = sandbox._bubblewrap, sandbox._run_one
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: ["sh", "-c", "exit 1"])
    for kind, answer, one in (("code", right, item), ("program", "print(input())", stdin)):
        [verdict] = graders.grade(kind, [(answer, one)])  # type: ignore[arg-type]
        assert (verdict.correct, verdict.ungraded) == (False, "the sandbox did not start on this machine")

    def first_only(program: sandbox.Runnable, limits: sandbox.Limits, unsafe: bool) -> sandbox.Outcome:
        own = isinstance(program, sandbox.Program) and program.code == right
        return run(program, limits, True) if own else sandbox.Outcome({}, "killed", 0.1, started=False)

    monkeypatch.setattr(sandbox, "_bubblewrap", start)
    monkeypatch.setattr(sandbox, "_run_one", first_only)
    [verdict] = graders.grade("code", [(right, item)])
    assert verdict.ungraded == "the sandbox did not start on this machine"
    monkeypatch.setattr(sandbox, "_run_one", lambda program, limits, unsafe: run(program, limits, True))
    assert graders.grade("code", [(right, item), ("def f(x): raise SystemExit", item)]) == [
        graders.Verdict(right, True),
        graders.Verdict("def f(x): raise SystemExit", False),
    ]


@needs_sandbox
def test_a_program_is_run_once_in_the_life_of_a_process_unless_it_could_not_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does another program, or the same with other tests, get its verdict."""
    run, asked = sandbox._run_one, list[str]()

    def counted(program: sandbox.Runnable, limits: sandbox.Limits, unsafe: bool) -> sandbox.Outcome:
        asked.append(program.code)
        return (
            run(program, limits, unsafe) if len(asked) > 1 else sandbox.Outcome({}, None, 0.1, started=False)
        )

    monkeypatch.setattr(sandbox, "_run_one", counted)
    code = "def f(x):\n    return x + 90210"
    right, wrong = (Submission(code, "f", (f"assert f(0) == {value}",)) for value in (90210, 0))
    assert [grade([right])[0].ungraded == "" for _ in range(3)] == [False, True, True]
    assert [one.correct for one in grade([wrong, right, wrong])] == [False, True, False]
    assert asked == [code] * 3
