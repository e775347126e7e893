"""Keys and addresses: nothing secret is stored, shown or sent to another place."""

import itertools
import os
from pathlib import Path

import pytest

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.judging.comparison import compare
from genius_bench.judging.judge import open_judge
from genius_bench.recipe import EngineSection, JudgeSection
from tests.judging.cases import judge_at, questions, silent
from tests.judging.loopback import Messages, serve

KEY = "sk-a-key-that-must-never-be-seen"


def fair(messages: Messages) -> str:
    return "Verdict: A=B"


def test_the_key_never_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server echoes it wherever it can: in an answer, in an error, in broken JSON."""
    monkeypatch.setenv("JUDGE_KEY", KEY)
    lines: list[str] = []
    with serve(lambda messages: f"{KEY}\nVerdict: A=B", faults=[f"500 {KEY}", f"400 {KEY}"]) as server:
        judge = judge_at(server.url, tmp_path, key_variable="JUDGE_KEY", concurrency=1)
        found = compare(judge, questions(2), lines.append)
        assert server.keys[0] == f"Bearer {KEY}"
    with serve(fair, faults=itertools.repeat(f"401 {KEY}")) as server:
        judge = judge_at(server.url, tmp_path, key_variable="JUDGE_KEY")
        with pytest.raises(GeniusBenchError, match=r"\$JUDGE_KEY, which is set") as caught:
            compare(judge, questions(2), lines.append)
    captured = capsys.readouterr()
    stored = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    shown = [
        repr(found),
        repr(judge.identity),
        judge.name,
        str(caught.value),
        captured.out,
        captured.err,
        *lines,
    ]
    assert "***" in stored
    assert KEY not in stored + "".join(shown) + "".join(str(path) for path in tmp_path.rglob("*"))


def test_no_key_no_header(tmp_path: Path) -> None:
    assert "NO_SUCH_KEY" not in os.environ
    with serve(fair) as server:
        judge = judge_at(server.url, tmp_path, key_variable="NO_SUCH_KEY", both_orders=False)
        compare(judge, questions(1), silent)
    assert server.keys == [""]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host/v1", "host:80/v1", "file:///etc/passwd", "http://", "http:///v1", "x", "http://a:b/v1"),
        *("https://user:hunter2@host/v1", "https://host/v1?key=hunter2", "https://host/v1#hunter2"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        judge_at(url, tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_model_no_judge(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name one with --judge"):
        open_judge(JudgeSection(), tmp_path, EngineSection())
