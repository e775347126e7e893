"""The stage that has answers judged: stored answers in, verdicts of another model and win rates out."""

from collections.abc import Callable, Mapping
from typing import Any

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.facts import Judging
from genius_bench.evaluation.generations import ITEMS_FILE
from genius_bench.evaluation.metrics import scores_of
from genius_bench.evaluation.scores import write_scores
from genius_bench.evaluation.scoring import answer_record, details_of, in_order
from genius_bench.integrity import digest_of
from genius_bench.judging import VERSION
from genius_bench.judging.comparison import Comparison, compare, position_bias
from genius_bench.judging.judge import Judge
from genius_bench.judging.judged import Judged
from genius_bench.judging.length_control import length_controlled_win_rate
from genius_bench.judging.rating import HIGHEST, LOWEST, Rating, rate
from genius_bench.judging.win_rate import WinRate, win_rate
from genius_bench.rows import Message, Score

STAGE_VERSION = 2
NO_JUDGE = "no judge: name one with --judge (and --judge-url)"
UNDECIDED = 0.5
"""What a question counts whose judge gave no verdict: denominators stay fixed, and nobody gains by a broken judge."""

Row = dict[str, Any]


def score_by_judge(
    store: Store,
    generations: Artifact,
    card: TaskCard,
    *,
    judge: Judge | None,
    baseline: Mapping[str, str],
    announce: Callable[[str], None],
) -> Artifact:
    """The scores of stored answers by a judge, found or asked for now; not scored where there is none.

    `baseline` maps an item's key to the answer that a comparison holds the checkpoint's against. Raises `InputError`
    where such answers are missing or judging may cost too much, `GeniusBenchError` where the judge is out of order
    (what it has answered is kept).
    """
    judging = card.facts.judging or Judging(key="")
    identity = Identity(
        kind="scores",
        version=STAGE_VERSION,
        parameters={
            "task": card.name,
            "grader": card.facts.grader,
            "judge": judge.identity | {"prompts": VERSION} if judge else None,
            "both_orders": judge.both_orders if judge else None,
            "baseline": digest_of(sorted(baseline.items())) if judge else None,
        },
        inputs={"generations": generations.key},
    )

    def produce(build: Build) -> None:
        described = generations.json(ITEMS_FILE)
        answers, entries = in_order(described["items"], list(generations.rows()))
        judged = ask_judge(judge, card, answers, entries, baseline, announce) if judge else {}
        rows = [
            _graded_row(card, entry, answer, judged.get(_name(answer)))
            for answer, entry in zip(answers, entries, strict=True)
        ]
        build.write_shard(rows)
        grader = f"{card.facts.grader} by {judge.name}" if judge else card.facts.grader
        details = details_of(card, described, generations, grader, None if judge else NO_JUDGE)
        if judge:
            details |= {"judge": judge.name, "judge_failures": sum(row["judge_failure"] for row in rows)}
            details |= {"baseline": judging.baseline.name if judging.baseline else None}
            bias = position_bias(list(judged.values()))
            details |= {"position_bias": bias._asdict()} if bias else {}
        named = (card.facts.grader, judge.name) if judge else None
        found = scores_of(card.name, rows, details, graded=judge is not None, judge=named)
        if judge and card.facts.grader == "comparison":
            found += _win_rates(card, judging, judge, answers, entries, judged, baseline, found[0].details)
        write_scores(build, found)

    return store.make(identity, produce)


def ask_judge(
    judge: Judge,
    card: TaskCard,
    answers: list[Row],
    entries: list[Row],
    baseline: Mapping[str, str],
    announce: Callable[[str], None],
) -> dict[str, Judged]:
    """Answer → what the judge made of it. Nobody is asked about answers that are empty or were lost to an error."""
    asked = [(a, e) for a, e in zip(answers, entries, strict=True) if a["text"].strip() and not a["error"]]
    if card.facts.grader == "rating":
        ratings = [
            Rating(id=_name(a), conversation=_turns(e), answer=a["text"], checklist=tuple(e["checklist"]))
            for a, e in asked
        ]
        return {one.id: one for one in rate(judge, ratings, announce)}
    missing = [entry["key"] for _, entry in asked if entry["key"] not in baseline]
    if missing:
        judging = card.facts.judging
        name = judging.baseline.name if judging and judging.baseline else "the baseline"
        raise InputError(
            f"task '{card.name}': {name} has no answer to {len(missing)} of the items (first: '{missing[0][:60]}')"
        )
    comparisons = [
        Comparison(id=_name(a), conversation=_turns(e), answer=a["text"], baseline=baseline[e["key"]])
        for a, e in asked
    ]
    return {one.id: one for one in compare(judge, comparisons, announce)}


def _graded_row(card: TaskCard, entry: Row, answer: Row, judged: Judged | None) -> Row:
    undecided = judged is not None and judged.value is None
    return answer_record(entry, answer, failed_format=False) | {
        "gold": "",
        "extracted": " / ".join(str(verdict) for verdict in judged.verdicts) if judged else "",
        "vote": "",
        "correct": _share(card, judged),
        "released_extracted": "",
        "released_correct": False,
        "judge_failure": undecided,
        "judgements": list(judged.raw) if judged else [],
        "judge_errors": [error for error in judged.errors if error] if judged else [],
    }


def _share(card: TaskCard, judged: Judged | None) -> float:
    """Between 0 and 1: the share of a win, or where the mark lies on its scale."""
    if judged is None:
        return 0.0
    if judged.value is None:
        return UNDECIDED
    return (judged.value - LOWEST) / (HIGHEST - LOWEST) if card.facts.grader == "rating" else judged.value


def _win_rates(
    card: TaskCard,
    judging: Judging,
    judge: Judge,
    answers: list[Row],
    entries: list[Row],
    judged: Mapping[str, Judged],
    baseline: Mapping[str, str],
    details: dict[str, Any],
) -> list[Score]:
    """The benchmarks' own ways to count, over the questions that have a verdict; of the greedy answers where there
    are any, else of each question's first sample."""
    first = min(answer["repeat"] for answer in answers)
    pairs = [
        (judged[_name(answer)], (len(answer["text"]), len(baseline[entry["key"]])))
        for answer, entry in zip(answers, entries, strict=True)
        if answer["repeat"] == first and _name(answer) in judged
    ]
    verdicts = [one for one, _ in pairs]
    details = details | {"answers_per_item": 1}
    rates: dict[str, WinRate] = {}
    if judging.weighted:
        rates["weighted_win_rate"] = win_rate(verdicts, weighted=True)
    if judging.length_controlled:
        rates["lc_win_rate"] = length_controlled_win_rate(verdicts, [lengths for _, lengths in pairs])
    return [
        Score(
            task=card.name,
            metric=f"{name}[{judge.name}]",
            value=100 * rate_.value,
            low=100 * rate_.low,
            high=100 * rate_.high,
            n=rate_.n,
            details=details | ({"note": rate_.note} if rate_.note else {}),
        )
        for name, rate_ in rates.items()
        if rate_.n
    ]


def _name(answer: Row) -> str:
    return f"{answer['item_id']}/{answer['repeat']}"


def _turns(entry: Row) -> tuple[Message, ...]:
    """The conversation that was answered."""
    turns = entry.get("conversation") or [{"role": "user", "content": entry["question"]}]
    return tuple(Message(role=turn["role"], content=turn["content"]) for turn in turns)
