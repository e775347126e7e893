"""What a preference set teaches: how often its chosen and rejected answers are right, and what else they differ in."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.evaluation import graders
from genius_bench.evaluation.cards import GraderName
from genius_bench.evaluation.statistics import Estimate, share

Row = dict[str, Any]


@dataclass(frozen=True)
class Inspection:
    """Shares are between 0 and 1; advantages are in nats per token; lengths in tokens."""

    pairs: int
    queries: int
    graded: int
    """Pairs whose query has an answer that can be checked."""
    chosen_right: Estimate | None
    rejected_right: Estimate | None
    both_alike: float
    """Of the graded pairs, those whose two answers are equally right: they teach style, not correctness."""
    by_group: dict[str, tuple[int, float, float]]
    """Kind of answer → pairs, chosen right, rejected right."""
    advantage_gaps: list[float]
    """A^l − A^w of every pair."""
    calibrated: float
    """Share of pairs in the calibration region of ACO (A^l > A^w)."""
    chosen_length: float
    rejected_length: float
    duplicates: int


def inspect_pairs(rows: Iterable[Row], answers: Mapping[str, str], decode: Any) -> Inspection:
    """Grades both members of every pair whose query has an answer in `answers` (query id → gold)."""
    rows = [row for row in rows if "chosen_ids" in row]
    gaps = [row["rejected_advantage"] - row["chosen_advantage"] for row in rows]
    seen = Counter((tuple(row["chosen_ids"]), tuple(row["rejected_ids"])) for row in rows)
    graded = [
        (row, answers[row["query_id"]]) for row in rows if kind_of(answers.get(row["query_id"])) is not None
    ]
    right = _grade(graded, decode)
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for (_, gold), verdict in zip(graded, right, strict=True):
        groups.setdefault(str(kind_of(gold)), []).append(verdict)
    return Inspection(
        pairs=len(rows),
        queries=len({row["query_id"] for row in rows}),
        graded=len(graded),
        chosen_right=share([float(chosen) for chosen, _ in right]) if right else None,
        rejected_right=share([float(rejected) for _, rejected in right]) if right else None,
        both_alike=_mean([chosen == rejected for chosen, rejected in right]),
        by_group={
            name: (
                len(group),
                _mean([chosen for chosen, _ in group]),
                _mean([rejected for _, rejected in group]),
            )
            for name, group in sorted(groups.items())
        },
        advantage_gaps=gaps,
        calibrated=_mean([gap > 0 for gap in gaps]),
        chosen_length=_mean([len(row["chosen_ids"]) for row in rows]),
        rejected_length=_mean([len(row["rejected_ids"]) for row in rows]),
        duplicates=sum(count - 1 for count in seen.values()),
    )


def kind_of(gold: str | None) -> GraderName | None:
    """How an answer of a corpus can be checked, by its form; None for open-ended ones and for code."""
    if gold is None:
        return None
    text = gold.strip()
    if re.fullmatch(r"[A-J]", text):
        return "option"
    if text.lower() in ("yes", "no"):
        return "yes_no"
    if re.search(r"####|\d", text) and "def " not in text and len(text.split("####")[-1].split()) == 1:
        return "number"
    return None


def _grade(graded: Sequence[tuple[Row, str]], decode: Any) -> list[tuple[bool, bool]]:
    verdicts: list[tuple[bool, bool]] = [(False, False)] * len(graded)
    for kind in ("number", "option", "yes_no"):
        indices = [index for index, (_, gold) in enumerate(graded) if kind_of(gold) == kind]
        texts = []
        for index in indices:
            row, gold = graded[index]
            item = graders.Item(gold=gold, labels=tuple("ABCDEFGHIJ") if kind == "option" else ())
            texts += [(decode(row["chosen_ids"]), item), (decode(row["rejected_ids"]), item)]
        found = [verdict.correct for verdict in graders.grade(kind, texts)]
        for index, chosen, rejected in zip(indices, found[::2], found[1::2], strict=True):
            verdicts[index] = (chosen, rejected)
    return verdicts


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
