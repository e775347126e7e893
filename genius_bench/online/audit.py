"""The auditor: what a finished online training did, by the gold answers that it never saw.

It reads the rollouts when they are all on disk, and writes an artifact of its own: nothing of it can reach a reward.

<artifact>/audit.json    a line a step
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import mean

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.online.rollouts import Row, groups_of
from genius_bench.online.verdicts import verdict

FILE = "audit.json"
VERSION = 1
Line = dict[str, float]


def audit_identity(checkpoint: str, corpus: str) -> Identity:
    """Of a checkpoint's key and the fingerprint of the corpus with its answers."""
    inputs = {"checkpoint": checkpoint, "corpus": corpus}
    return Identity(kind="audit", version=VERSION, parameters={}, inputs=inputs)


def audit(store: Store, checkpoint: Artifact, corpus: Corpus) -> Artifact | None:
    """The `audit` of an online checkpoint, found or made; None where no query has an answer."""
    gold = {query.id: query.answer for query in corpus.queries if query.answer is not None}
    if not gold:
        return None

    def produce(build: Build) -> None:
        build.write_json(FILE, audited(checkpoint.rows(), gold))

    return store.make(audit_identity(checkpoint.key, corpus.fingerprint), produce)


def audit_lines(store: Store, checkpoint: str, corpus: str) -> dict[int, Line]:
    """Step → its line, by a checkpoint's key and the fingerprint of its corpus; nothing where there is no audit."""
    found = store.find("audit", audit_identity(checkpoint, corpus).key)
    return {int(line["step"]): line for line in found.json(FILE)} if found else {}


def audited(rows: Iterable[Row], gold: dict[str, str]) -> list[Line]:
    """A line for every step, over its queries that have an answer.

    `label_accuracy`: groups whose most frequent answer is right (a tie is not). `right`: responses that are.
    `pass_at_group`: groups with one that is. `reward_accuracy`: responses whose reward is 1 where right and 0 where
    wrong, for rewards of 0 and 1. `reward_ranks_right`: of two responses in a group of which one is right, how often it
    has the higher reward, ties half; 0.5 knows nothing. `right_to_wrong` and `wrong_to_right`: queries whose most
    frequent answer was right, or wrong, when they were first asked, and is the other now.
    """
    first: dict[str, bool] = {}
    latest: dict[str, bool] = {}
    lines: list[Line] = []
    for step, of_step in groupby(rows, key=lambda row: int(row["step"])):
        groups = [group for group in groups_of(list(of_step)) if group[0]["query_id"] in gold]
        if not groups:
            continue
        right: list[list[bool]] = []
        for group in groups:
            query = group[0]["query_id"]
            judged = verdict([row["text"] for row in group], gold[query])
            right.append(list(map(bool, judged.right)))
            latest[query] = judged.majority_is_right
            first.setdefault(query, latest[query])
        lines.append({"step": step, **_line(groups, right, latest), **_turned(first, latest)})
    return lines


def in_words(lines: Sequence[Line], epochs: int) -> str:
    """The responses that were right in the first and in the last pass over the queries (of a single one, in its first
    and second half, which asked other queries), and at their peak, which is chosen with labels: no result."""
    peak = max(lines, key=lambda line: line["right"])
    parts = max(2, epochs)
    size = max(1, len(lines) // parts)
    first, last = (mean(line["right"] for line in some) for some in (lines[:size], lines[-size:]))
    where = (
        ("in the first pass over the queries", "in the last")
        if epochs > 1
        else ("in the first half of the steps", "in the second, which asked other queries")
    )
    turned = lines[-1]
    return (
        f"audit: {first:.1%} of the responses to training queries were right {where[0]}, {last:.1%} {where[1]}; at "
        f"most {peak['right']:.1%}, at step {peak['step']:g} (chosen with labels); majorities turned: "
        f"{turned['wrong_to_right']:g} right, {turned['right_to_wrong']:g} wrong"
    )


def _line(groups: list[list[Row]], right: list[list[bool]], latest: dict[str, bool]) -> Line:
    rewards = [[row["reward"] for row in group] for group in groups]
    both = [
        (reward, is_right)
        for some, judged in zip(rewards, right, strict=True)
        for reward, is_right in zip(some, judged, strict=True)
    ]
    line = {
        "label_accuracy": mean(latest[group[0]["query_id"]] for group in groups),
        "right": mean(is_right for _, is_right in both),
        "pass_at_group": mean(map(any, right)),
    }
    if {reward for reward, _ in both} <= {0.0, 1.0}:
        line["reward_accuracy"] = mean(reward == is_right for reward, is_right in both)
    if ranked := [won for some, judged in zip(rewards, right, strict=True) for won in _ranked(some, judged)]:
        line["reward_ranks_right"] = mean(ranked)
    return line


def _ranked(rewards: Sequence[float], right: Sequence[bool]) -> list[float]:
    """1, ½ or 0 for every pair of a right and a wrong response."""
    rights = [reward for reward, is_right in zip(rewards, right, strict=True) if is_right]
    wrongs = [reward for reward, is_right in zip(rewards, right, strict=True) if not is_right]
    return [1.0 if one > other else 0.5 if one == other else 0.0 for one in rights for other in wrongs]


def _turned(first: dict[str, bool], latest: dict[str, bool]) -> Line:
    return {
        "right_to_wrong": float(sum(first[query] and not now for query, now in latest.items())),
        "wrong_to_right": float(sum(now and not first[query] for query, now in latest.items())),
    }
