"""The benchmarks' own programs pass in the sandbox, spoilt ones fail. Prints the figures and what fails."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.graders import code, programs
from genius_bench.evaluation.graders.asserts import entry_point_of
from genius_bench.evaluation.program_tests import ProgramTest, function_name, read_tests

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("GENIUS_BENCH_TEST_DATA") or ROOT.parent / "shared" / "data")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"no benchmark items in {FOLDER} (GENIUS_BENCH_TEST_DATA)"
    ),
    pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available())),
]

SPOILT = {
    "none": "None",
    "constant": "0",
    "near": (
        "(not r if isinstance(r, bool) else r + 1 if isinstance(r, (int, float)) else r + 'x' if isinstance(r, str)"
        " else [*r, 0] if isinstance(r, list) else (*r, 0) if isinstance(r, tuple) else [r])"
    ),
    "reversed": "(r[::-1] if isinstance(r, (str, list, tuple)) else [r])",
}
"""What a spoilt function makes of the right result `r`."""


def rows(name: str) -> list[dict[str, Any]]:
    path = FOLDER / name
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode().split("\n") if line]


def mbpp(split: str) -> list[code.Submission]:
    return [
        code.Submission(
            row["code"],
            entry_point_of(row["test_list"]) or "",
            tuple(row["test_list"]),
            row["test_setup_code"],
        )
        for row in rows(f"mbpp/{split}.jsonl")
    ]


@pytest.mark.parametrize("split", ["test", "train", "validation"])
def test_mbpp_references_pass(split: str, capsys: pytest.CaptureFixture[str]) -> None:
    submissions = mbpp(split)
    verdicts = code.grade(submissions)
    told(capsys, f"MBPP {split}", [item.tests[0] for item in submissions], verdicts)
    assert share(verdicts) >= 0.99


def test_spoilt_mbpp_programs_are_judged_as_their_asserts_judge_them() -> None:
    """The oracle runs the asserts as they stand, behind the program, which the grader must never do."""
    wrong = [
        code.Submission(spoilt(item.code, item.entry_point, change), item.entry_point, item.tests, item.setup)
        for item in mbpp("test")[::5]
        for change in SPOILT.values()
    ]
    originals = [sandbox.Program(item.code, (), "\n".join((item.setup, *item.tests))) for item in wrong]
    expected = [outcome.problem is None for outcome in sandbox.run(originals)]
    found = [verdict.correct for verdict in code.grade(wrong)]
    assert [item for item, a, b in zip(wrong, found, expected, strict=True) if a != b] == []
    assert sum(found) < len(found) * 0.05  # some results are symmetric or None


def spoilt(program: str, function: str, change: str) -> str:
    wrapper = f"_right = {function}\ndef {function}(*a, **k):\n    r = _right(*a, **k)\n    return {change}\n"
    return f"{program}\n{wrapper}"


@pytest.fixture(scope="module")
def solutions() -> list[tuple[programs.ProgramSubmission, bool, str]]:
    """Submissions that LiveCodeBench has judged, its verdict and their problem's id."""
    problems = {
        row["question_id"]: (tuple(read_tests(row)), function_name(row))
        for row in rows("livecodebench/test_v5_statements.jsonl.gz")
        if row["public_test_cases"] != "[]"
    }
    return [
        (
            programs.ProgramSubmission(row["code"], *problems[row["question_id"]]),
            row["graded"],
            row["question_id"],
        )
        for row in rows("livecodebench/graded_solutions_third.jsonl.gz")
        if row["question_id"] in problems
    ]


Solutions = Sequence[tuple[programs.ProgramSubmission, bool, str]]


def test_programs_that_livecodebench_passed_pass(
    solutions: Solutions, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = programs.grade([submission for submission, _, _ in solutions])
    passed = [verdict for verdict, (_, graded, _) in zip(verdicts, solutions, strict=True) if graded]
    failed = [verdict for verdict, (_, graded, _) in zip(verdicts, solutions, strict=True) if not graded]
    told(capsys, "LiveCodeBench, graded right", [name for _, graded, name in solutions if graded], passed)
    with capsys.disabled():
        print(f"LiveCodeBench, graded wrong: {share(failed):.1%} of {len(failed)} pass the public tests")
    assert share(passed) >= 0.99


def test_spoilt_livecodebench_programs_fail(solutions: Solutions) -> None:
    right = [submission for submission, graded, _ in solutions if graded][::5]
    wrong = [changed for submission in right for changed in wrong_versions(submission)]
    verdicts = programs.grade(wrong)
    assert [item for item, verdict in zip(wrong, verdicts, strict=True) if verdict.correct] == []


def wrong_versions(right: programs.ProgramSubmission) -> list[programs.ProgramSubmission]:
    """The same with another result or another line, and one that gives every test the first one's answer."""
    name, first = right.function, right.tests[0]
    if name:
        changed = f"class Solution(Solution):\n    def {name}(self, *a): return [super().{name}(*a)]"
        constant = f"import json\ndef {name}(*a): return json.loads({first.output!r})"
        codes = [f"{right.code}\n{changed}", constant]
    else:
        codes = [f"print('0')\n{right.code}", f"print({first.output!r})"]
    if all(test.output == first.output for test in right.tests):
        codes.pop()
    return [programs.ProgramSubmission(changed, right.tests, name) for changed in codes]


def test_damaged_real_tests_are_told() -> None:
    [row] = rows("livecodebench/test_v5_statements.jsonl.gz")[:1]
    assert all(isinstance(test, ProgramTest) for test in read_tests(row))
    with pytest.raises(Exception, match=str(row["question_id"])):
        read_tests(row | {"public_test_cases": row["public_test_cases"][:-5]})


def share(verdicts: Sequence[code.Verdict]) -> float:
    return sum(verdict.correct for verdict in verdicts) / len(verdicts)


def told(
    capsys: pytest.CaptureFixture[str], title: str, names: Sequence[str], verdicts: Sequence[code.Verdict]
) -> None:
    with capsys.disabled():
        print(f"\n{title}: {share(verdicts):.2%} of {len(verdicts)} pass")
        for name, verdict in zip(names, verdicts, strict=True):
            if not verdict.correct:
                print(f"  {name[:70]}: {verdict.problem}")
