"""Do answers that have ended win more often than is fair, because their scores are of another kind?

    python -m benchmarks.finished_answers --write mixed.jsonl
    genius-bench train --method sft --model lab --corpus mixed.jsonl --set corpus.reference_column=reference --no-eval
    python -m benchmarks.finished_answers --model CHECKPOINT [--queries 300]

The lab model answers a query in always the same number of lines, so that answers which have ended never stand beside
others. The first two commands teach it to give every second answer at once, without its reasoning.

A candidate that ended within its step has no look-ahead: its score is the mean log-probability of that step, drawn at
`step_temperature`, and competes with means of look-aheads drawn at `foresight_temperature`. The colder a draw, the more
probable its tokens. Trees are sampled with temperatures 0.6 and 1.0 (the default), and with equal ones, where that
difference is gone; in groups where both kinds meet are told:

fair, wins  The share of ended candidates, and how often one of them has the highest score (and is chosen).
mass        What Eq. 2 gives to ended candidates together, which decides the next beams.
right       How often the chosen response is right, and how often those of each kind are (queries with an answer).

Then the same groups once more, with other rules for the chosen response: `score` (an ended candidate gets 0, which
nothing beats: `sampling.finished=score`) and `never` (it is left out).
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genius_bench.corpora import load_corpus
from genius_bench.engines import open_engine
from genius_bench.engines.interface import Engine
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import CorpusSection, EngineSection
from genius_bench.rows import Query
from genius_bench.sampling.answers import agrees
from genius_bench.sampling.choice import highest
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.statistics import paired_difference, share
from trainers.genius import Genius

TEMPERATURES = ((0.6, 1.0), (1.0, 1.0), (0.6, 0.6))
"""Of steps and look-aheads."""


class Group(NamedTuple):
    """The candidates of one step, side by side."""

    score: np.ndarray
    probability: np.ndarray
    ended: np.ndarray
    right: np.ndarray
    """Empty where the query has no answer to hold them against."""


def groups_of(tree: Sequence[dict[str, Any]], gold: str | None) -> list[Group]:
    """Of one query; responses are put together along the beams that led to them."""
    groups, beams = [], [""] * 99
    for step in tree:
        candidates = step["candidates"]
        prefixes = [beams[one["beam"]] + one["step"] for one in candidates]
        texts = [prefix + one["foresight"] for prefix, one in zip(prefixes, candidates, strict=True)]
        score, probability, ended = (
            np.array([one[name] for one in candidates]) for name in ("score", "probability", "finished")
        )
        right = np.array([] if gold is None else [agrees(text, gold) for text in texts])
        groups.append(Group(score, probability, ended, right))
        beams = [prefixes[kept] for kept in step["beams"]]
    return groups


def write_mixed(path: Path) -> None:
    """Other queries than those that are measured; every second one with its answer alone as the response to learn."""
    with path.open("w", encoding="utf-8") as file:
        for number, query in enumerate(load_corpus(CorpusSection(queries=1200, seed=1)).queries):
            reference = (query.reference or "").strip()
            if number % 2:
                reference = reference.splitlines()[-1]
            row = {"query": query.messages[-1]["content"], "reference": reference, "answer": query.answer}
            file.write(json.dumps(row) + "\n")


async def sample(engine: Engine, queries: Sequence[Query], options: ForesightOptions) -> list[Group]:
    method, policy = Genius(options), Policy(engine, seed=0)
    trees = await asyncio.gather(*[method.collect(query, policy) for query in queries])
    return [
        group
        for query, tree in zip(queries, trees, strict=True)
        for group in groups_of(tree.trace, query.answer)
    ]


RULES: dict[str, Callable[[Group], int]] = {
    "freeze": lambda group: highest(group.score.tolist(), 1)[0],
    "score": lambda group: highest(np.where(group.ended, 0.0, group.score).tolist(), 1)[0],
    "never": lambda group: highest(np.where(group.ended, -np.inf, group.score).tolist(), 1)[0],
}


def report(groups: Sequence[Group]) -> dict[str, Any]:
    mixed = [group for group in groups if 0 < group.ended.sum() < len(group.ended)]
    chosen = [RULES["freeze"](group) for group in mixed]
    wins = [bool(group.ended[best]) for group, best in zip(mixed, chosen, strict=True)]
    graded = [group for group in mixed if len(group.right)]
    right = {rule: [bool(g.right[choose(g)]) for g in graded] for rule, choose in RULES.items()}
    fair = {str(n): float(group.ended.mean()) for n, group in enumerate(mixed)}
    excess = paired_difference({str(n): float(won) for n, won in enumerate(wins)}, fair)
    won = [bool(group.ended[RULES["freeze"](group)]) for group in graded]
    kinds = {kind: np.concatenate([g.right[g.ended == kind] for g in graded]) for kind in (True, False)}
    return {
        "groups": len(groups),
        "both kinds meet": _percent(len(mixed) / len(groups)),
        "fair": _percent(np.mean(list(fair.values()))),
        "wins": _percent(np.mean(wins)),
        "wins beyond fair": [_percent(x) for x in (excess.difference, excess.low, excess.high)],
        "mass": _percent(np.mean([group.probability[group.ended].sum() for group in mixed])),
        "score": [
            round(float(np.mean([g.score[g.ended == k].mean() for g in mixed])), 3) for k in (True, False)
        ],
        "graded groups": len(graded),
        "right, ended and not": [_percent(kinds[kind].mean()) for kind in (True, False)],
        "right when chosen, ended and not": [
            _percent(np.mean([hit for hit, w in zip(right["freeze"], won, strict=True) if w is kind]))
            for kind in (True, False)
        ],
        "chosen right by rule": {rule: _interval(hits) for rule, hits in right.items()},
    }


def _percent(value: Any) -> float:
    return round(100 * float(value), 1)


def _interval(hits: Sequence[bool]) -> list[float]:
    found = share([float(hit) for hit in hits])
    return [_percent(value) for value in (found.value, found.low, found.high)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="write the training queries to this file, and no more")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--model", type=Path, default=MODEL_PATH)
    asked = parser.parse_args()
    if asked.write:
        write_mixed(asked.write)
        return
    queries = list(load_corpus(CorpusSection(queries=asked.queries)).queries)
    engine = open_engine(asked.model, EngineSection())
    try:
        for step, ahead in TEMPERATURES:
            options = ForesightOptions(
                step_temperature=step,
                foresight_temperature=ahead,
                step_max_tokens=64,
                foresight_max_tokens=128,
            )
            found = report(asyncio.run(sample(engine, queries, options)))
            print(json.dumps({"temperatures": [step, ahead], **found}, indent=2), flush=True)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
