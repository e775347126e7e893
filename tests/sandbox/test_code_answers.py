"""Code in answers: where it starts and ends, and which tests can be run."""

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders.code import Submission, extract, grade

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
