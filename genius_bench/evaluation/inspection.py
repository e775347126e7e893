"""What a preference set teaches: how often its chosen and rejected answers are right, and what else they differ in."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.errors import InputError
from genius_bench.evaluation import graders
from genius_bench.evaluation.facts import GraderName
from genius_bench.statistics import Estimate, share

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TextPair:
    """A preference pair as a reader sees it."""

    query: str
    chosen: str
    rejected: str
    gold: str | None = None
    """The query's answer, where it is known."""
    lengths: tuple[int, int]
    """Of chosen and rejected: tokens where they were sampled here, words where they come as text."""
    advantage_gap: float | None = None
    """A^l − A^w, nats per token; None where the pair has no advantages."""


@dataclass(frozen=True)
class Inspection:
    """Shares are between 0 and 1; advantages are in nats per token."""

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
    """A^l − A^w of every pair that has advantages."""
    calibrated: float
    """Share of these pairs in the calibration region of ACO (A^l > A^w)."""
    length_gaps: list[float]
    """Length of the chosen minus that of the rejected response."""
    chosen_length: float
    rejected_length: float
    duplicates: int


def sampled_pairs(rows: Iterable[Row], answers: Mapping[str, str], decode: Any) -> list[TextPair]:
    """The pairs of a training set; `answers` maps query ids to gold, `decode` token ids to text."""
    return [
        TextPair(
            query=row["query_id"],
            chosen=decode(row["chosen_ids"]),
            rejected=decode(row["rejected_ids"]),
            gold=answers.get(row["query_id"]),
            lengths=(len(row["chosen_ids"]), len(row["rejected_ids"])),
            advantage_gap=row["rejected_advantage"] - row["chosen_advantage"],
        )
        for row in rows
        if "chosen_ids" in row
    ]


def recorded_pairs(records: Iterable[tuple[str, Row]]) -> list[TextPair]:
    """Pairs of a file in the usual columns `prompt`, `chosen`, `rejected` (texts or messages) and perhaps `answer`.

    `records` are (place, columns). Raises `InputError` that names the place of a row without a pair.
    """
    pairs = []
    for where, row in records:
        missing = [name for name in ("chosen", "rejected") if not row.get(name)]
        if missing:
            raise InputError(f"{where} has no '{missing[0]}': a preference pair has 'chosen' and 'rejected'")
        chosen, rejected = _last_turn(row["chosen"]), _last_turn(row["rejected"])
        gold = row.get("answer")
        pairs.append(
            TextPair(
                query=str(row.get("prompt") or row.get("id") or where),
                chosen=chosen,
                rejected=rejected,
                gold=None if gold is None else str(gold),
                lengths=(len(chosen.split()), len(rejected.split())),
            )
        )
    return pairs


def _last_turn(value: Any) -> str:
    return str(value[-1]["content"]) if isinstance(value, list) else str(value)


def inspect_pairs(pairs: Sequence[TextPair]) -> Inspection:
    """Grades both members of every pair whose query has an answer that can be checked."""
    gaps = [pair.advantage_gap for pair in pairs if pair.advantage_gap is not None]
    seen = Counter((pair.query, pair.chosen, pair.rejected) for pair in pairs)
    graded = [pair for pair in pairs if kind_of(pair.gold) is not None]
    verdicts = right_of([(text, pair.gold) for pair in graded for text in (pair.chosen, pair.rejected)])
    right = [
        (bool(chosen), bool(rejected)) for chosen, rejected in zip(verdicts[::2], verdicts[1::2], strict=True)
    ]
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for pair, verdict in zip(graded, right, strict=True):
        groups.setdefault(str(kind_of(pair.gold)), []).append(verdict)
    return Inspection(
        pairs=len(pairs),
        queries=len({pair.query for pair in pairs}),
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
        length_gaps=[float(pair.lengths[0] - pair.lengths[1]) for pair in pairs],
        chosen_length=_mean([pair.lengths[0] for pair in pairs]),
        rejected_length=_mean([pair.lengths[1] for pair in pairs]),
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


def right_of(answers: Sequence[tuple[str, str | None]]) -> list[bool | None]:
    """Whether each of these (text, gold) is right; None where gold says nothing that can be checked."""
    verdicts: list[bool | None] = [None] * len(answers)
    for kind in ("number", "option", "yes_no"):
        places = [place for place, (_, gold) in enumerate(answers) if kind_of(gold) == kind]
        labels = tuple("ABCDEFGHIJ") if kind == "option" else ()
        items = [(answers[i][0], graders.Item(gold=str(answers[i][1]), labels=labels)) for i in places]
        for place, verdict in zip(places, graders.grade(kind, items), strict=True):
            verdicts[place] = verdict.correct
    return verdicts


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
