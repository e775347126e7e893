"""The rollouts of an online training: a file a step, loaded when somebody looks at it.

A long training draws more than a page is for: some steps are kept, evenly spread, and of each as many whole groups as
its share of the characters allows. The page says how many there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.integrity import digest_of
from genius_bench.online.audit import audit_lines
from genius_bench.online.rollouts import groups_of, rollouts_of
from genius_bench.online.verdicts import verdict
from genius_bench.runs import Run
from genius_bench.site.curves import thinned
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems
from genius_bench.site.prompts import Decode, decoder_of, prompts_of, stored_queries
from genius_bench.site.scripts import rounded, shortened, to_json

FORMAT = 1
"""Raise it when the files are written differently."""
MOST_STEPS = 100
MOST_CHARACTERS = 10_000_000
"""Of one training, shared evenly by the steps that are kept; of each step one group at least."""
LONGEST = 20_000
"""Characters of one response."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Rollouts:
    """Where the site keeps those of a checkpoint: step k's in `<file>-<k>`."""

    file: str
    of_steps: int
    """That the training took."""
    steps: list[dict[str, Any]]
    """Those that are kept: step, groups (kept), of_groups, responses, and of all responses the mean reward and, where
    an auditor has looked, the share that is right."""


def write_rollouts(folder: Folder, store: Store, run: Run, problems: Problems) -> dict[str, Rollouts]:
    """Checkpoint → its rollouts; of those that were trained online and are still there."""
    found = {}
    for made in run.checkpoints:
        checkpoint = store.find("checkpoint", made["key"])
        if "training_set" not in made and checkpoint is not None:
            with problems.skipping(f"rollouts of checkpoint {checkpoint.key[:SHORT]} ({run.id})"):
                found[checkpoint.key] = _write(folder, store, run, made, checkpoint, problems)
    return found


def _write(
    folder: Folder,
    store: Store,
    run: Run,
    made: dict[str, str],
    checkpoint: Artifact,
    problems: Problems,
) -> Rollouts:
    source = stored_queries(store, run)
    audited = audit_lines(store, checkpoint.key, run.corpus.get("fingerprint", ""))
    determined_by = [FORMAT, checkpoint.key, source.key if source else None, bool(audited)]
    name = f"rollouts/{digest_of(determined_by)[:20]}"
    written = folder.note(name)
    if written is not None:
        return Rollouts(name, written["of_steps"], written["steps"])
    asked = _Asked(source, decoder_of(store, made, problems))
    of_steps = int(checkpoint.manifest["counters"]["steps"])
    kept = thinned(list(range(1, of_steps + 1)), MOST_STEPS)
    pages: dict[int, list[Row]] = {}
    steps = []
    for step in kept:
        rows = rollouts_of(checkpoint, step)
        groups = groups_of(rows)
        pages[step] = list(_within(MOST_CHARACTERS // len(kept), map(asked.group, groups)))
        right = audited.get(step, {}).get("right")
        steps.append(
            {"step": step, "groups": len(pages[step]), "of_groups": len(groups), "responses": len(rows)}
            | {"reward": rounded(fmean(row["reward"] for row in rows)), "right": rounded(right)}
        )
    for step, shown in pages.items():  # now that all could be read
        folder.write_data(f"{name}-{step}", shown)
    files = [f"data/{name}-{step}.js" for step in kept]
    folder.write_note(name, {"of_steps": of_steps, "steps": steps}, files)
    return Rollouts(name, of_steps, steps)


def _within(characters: int, groups: Iterator[Row]) -> Iterator[Row]:
    """The first groups that are no longer than this together; the first one however long it is."""
    size = 0
    for place, group in enumerate(groups):
        size += len(to_json(group))
        if place and size > characters:
            return
        yield group


class _Asked:
    """What queries asked, and the answers that are known to them."""

    def __init__(self, source: Artifact | None, decode: Decode) -> None:
        self._prompts = prompts_of(source) if source else {}
        self._gold = {row["id"]: row["answer"] for row in source.rows("id", "answer")} if source else {}
        self._decode = decode

    def group(self, rows: list[Row]) -> Row:
        """A group for its page: the prompt once, and what every response said and was worth."""
        query = rows[0]["query_id"]
        gold = self._gold.get(query)
        judged = verdict([row["text"] for row in rows], gold)
        return {
            "query": query,
            "prompt": shortened(self._prompts.get(query) or self._decode(rows[0]["prompt_ids"])),
            "gold": None if gold is None else shortened(gold),
            "majority": judged.majority,
            "majority_is_right": judged.majority_is_right,
            "responses": [
                {
                    "number": row["number"],
                    "text": shortened(row["text"], LONGEST),
                    "answer": answer,
                    "right": right,
                    "tokens": len(row["response_ids"]),
                    "finish": row["finish_reason"],
                    **{name: rounded(row[name]) for name in ("reward", "advantage", "entropy")},
                }
                for row, answer, right in zip(rows, judged.answers, judged.right, strict=True)
            ],
        }
