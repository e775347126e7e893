"""What judges said, read out of the texts that OpenCompass saves of them.

Its own numbers are not used: it drops judgements without a verdict from the denominator, and its fit for Arena-Hard
fails when all verdicts go one way (the texts are saved before that).
"""

import re
from collections.abc import Sequence
from typing import Any

from genius_bench.answers.thoughts import without_thoughts
from genius_bench.judging.comparison import VERDICTS
from genius_bench.judging.judged import Judged
from genius_bench.opencompass.benchmarks import Benchmark
from genius_bench.opencompass.relay import Answer

Json = dict[str, Any]
Verdict = tuple[str, float, float]
"""As the judge put it; the share of a win for the answer shown first (0 to 1); its weight."""

WILDBENCH = {"A++": (1.0, 1.0), "A+": (0.75, 1.0), "A=B": (0.5, 1.0), "B+": (0.25, 1.0), "B++": (0.0, 1.0)}
"""WildBench's 1, 1/2, 0, -1/2, -1, laid onto 0 to 1."""
FORMS = {
    "arena_hard": (re.compile(r"\[\[([AB<>=\s]+)\]\]"), VERDICTS),
    "wildbench": (re.compile(r'"choice"\s*:\s*"(.*?)"'), WILDBENCH),
}


def read_verdict(kind: str, text: str) -> Verdict | None:
    """None where the text holds no verdict in the form that the benchmark asks its judge for, or two of them."""
    said = without_thoughts(text)
    if kind == "alpaca_eval":
        named = re.match(r"[\s*_`\"']*([mM])(?!_*[^\W_])", said)  # OpenCompass takes "Model m" for M
        return (named[1], 1.0 if named[1] == "m" else 0.0, 1.0) if named else None
    form, known = FORMS[kind]
    found = {re.sub(r"\s", "", one) for one in form.findall(said)}
    verdict = found.pop() if len(found) == 1 else ""
    return (verdict, *known[verdict]) if verdict in known else None


def judged_items(
    benchmark: Benchmark, judgements: Sequence[Sequence[tuple[Json, Answer | None]]]
) -> list[Judged]:
    """One a question: `judgements` holds, for each, what OpenCompass saved and what the judge's server did."""
    return [_judged(benchmark, str(number), several) for number, several in enumerate(judgements)]


def _judged(benchmark: Benchmark, name: str, several: Sequence[tuple[Json, Answer | None]]) -> Judged:
    verdicts = [read_verdict(benchmark.kind, saved["prediction"]) for saved, _ in several]
    shares = [
        (share if saved["gold"]["answer1"] not in benchmark.baselines else 1 - share, weight)
        for (saved, _), verdict in zip(several, verdicts, strict=True)
        if verdict
        for _, share, weight in [verdict]
    ]
    weight = sum(weight for _, weight in shares)
    return Judged(
        id=name,
        value=sum(share * one for share, one in shares) / weight if weight else None,
        weight=weight,
        verdicts=tuple(verdict[0] if verdict else None for verdict in verdicts),
        raw=tuple(saved["prediction"] for saved, _ in several),
        errors=tuple(answer.error if answer else "" for _, answer in several),
        prompt_tokens=0,
        completion_tokens=sum(answer.tokens if answer else 0 for _, answer in several),
        reused=0,
    )
