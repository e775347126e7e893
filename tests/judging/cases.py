"""Questions and judges for the tests."""

from pathlib import Path
from typing import Any

from genius_bench.judging.cache import Cache
from genius_bench.judging.comparison import Comparison
from genius_bench.judging.judge import Judge, open_judge
from genius_bench.judging.judged import Judged
from genius_bench.recipe import EngineSection, JudgeSection


def questions(count: int, answer: str = "the answer") -> list[Comparison]:
    return [
        Comparison(
            id=str(index),
            conversation=({"role": "user", "content": f"question {index}"},),
            answer=answer,
            baseline="the baseline",
        )
        for index in range(count)
    ]


def judge_at(url: str, home: Path, **settings: Any) -> Judge:
    values: dict[str, Any] = {"model": "loopback", "url": url, "timeout_seconds": 5} | settings
    section = JudgeSection(**values)
    return open_judge(section, home, EngineSection())


def silent(line: str) -> None:
    """For tests that do not read what is announced."""


def judged(value: float | None, weight: float = 1.0, verdicts: tuple[str | None, ...] = ("A=B",)) -> Judged:
    return Judged(
        id="",
        value=value,
        weight=weight if value is not None else 0.0,
        verdicts=verdicts,
        raw=("",) * len(verdicts),
        errors=("",) * len(verdicts),
        prompt_tokens=0,
        completion_tokens=0,
        reused=0,
    )


def stored_prompts(home: Path) -> set[str]:
    """Digests of the prompts whose judgements are on disk, for the one judge there is."""
    folders = list((home / "judgements").iterdir())
    assert len(folders) == 1
    cache = Cache(home, "loopback", {})
    cache.folder = folders[0]
    return set(cache.read())
