"""The rollouts of an online run, as people and other libraries read them: texts beside token ids, what each was worth
to the training, and whether it is right where the corpus knows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import InputError
from genius_bench.online.rollouts import file_of, groups_of, rollouts_of
from genius_bench.online.verdicts import verdict
from genius_bench.reporting.training_rows import queries_by_id, question_of, tokenizer_of
from genius_bench.reporting.trl_texts import as_trl_reads
from genius_bench.runs import Run, chosen_runs

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
DERIVED = (
    *("iteration", "group", "query", "prompt", "response"),
    *("answer", "extracted", "majority", "correct"),
)
"""Columns before those that are stored."""


@dataclass(frozen=True)
class Drawn:
    """All rollouts of one iteration, with what their rows refer to."""

    iteration: int
    checkpoint: Artifact
    queries: dict[str, Row]
    """The corpus by id; empty where it is no longer in the home."""
    tokenizer: Any

    def groups(self, step: int | None = None) -> Iterator[list[Row]]:
        """The responses to one query in one step, of all steps in their order or of one (1, 2, …)."""
        steps = int(self.checkpoint.manifest["counters"]["steps"])
        if step is not None and not 1 <= step <= steps:
            raise InputError(f"there is no step {step}: the run has {steps}")
        asked = range(1, steps + 1) if step is None else [step]
        return chain.from_iterable(groups_of(rollouts_of(self.checkpoint, one)) for one in asked)


def drawn_by(home: Path, name: str = "") -> tuple[Run, list[Drawn]]:
    """The online run that `name` begins (the newest when empty), and what it drew.

    Raises `InputError` where there is none, or its checkpoint is gone.
    """
    runs = [one for one in chosen_runs(home, [name] if name else []) if one.is_online]
    if not runs:
        raise InputError(f"{f'run {name}' if name else home} has no rollouts: nothing was trained online")
    run, store = runs[-1], Store(home)
    queries, tokenizer = queries_by_id(store, run), tokenizer_of(run)
    found = []
    for made in run.checkpoints:
        checkpoint = store.find("checkpoint", made["key"])
        if checkpoint is None:
            raise InputError(f"the rollouts of run '{run.id}' are not in {home}")
        found.append(Drawn(int(made["iteration"]), checkpoint, queries, tokenizer))
    return run, found


def readable_rollouts(sets: Sequence[Drawn], step: int | None = None) -> Iterator[Row]:
    """Every rollout with its texts. Log-probabilities are in nats, one a token of the response; `majority` is the most
    frequent final answer of the group; `correct` is what the auditor says, None where no answer is known."""
    for one in sets:
        for group in one.groups(step):
            asked = one.queries.get(group[0]["query_id"])
            gold = asked["answer"] if asked else None
            judged = verdict([row["text"] for row in group], gold)
            for row, answer, right in zip(group, judged.answers, judged.right, strict=True):
                response = row.pop("text")
                yield {
                    "iteration": one.iteration,
                    "group": f"{row['step']}/{row['query_id']}",
                    "query": question_of(asked),
                    "prompt": one.tokenizer.decode(row["prompt_ids"]),
                    "response": response,
                    "answer": gold,
                    "extracted": answer,
                    "majority": judged.majority,
                    "correct": right,
                    **row,
                }


def schema(sets: Sequence[Drawn]) -> "pa.Schema":
    """Of these rows, known before they are read: those of a long training fit no memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = pq.read_schema(file_of(sets[0].checkpoint, 1))
    kinds = {"iteration": pa.int64(), "correct": pa.bool_()}
    return pa.schema(
        [
            *((name, kinds.get(name, pa.string())) for name in DERIVED),
            *((one.name, one.type) for one in stored if one.name != "text"),
        ]
    )


def rollouts_for_trl(sets: Sequence[Drawn], lost: Callable[[str], None]) -> Iterator[Row]:
    """Prompt and completion, which TRL's SFTTrainer trains on, and the reward to choose them by.

    `lost` is told the ids of those that TRL would not read as they were drawn, the unfinished ones among them; they are
    left out.
    """
    for one in sets:
        for row in chain.from_iterable(one.groups()):
            read = as_trl_reads(one.tokenizer, row["prompt_ids"], [row["response_ids"]])
            if read is None:
                lost(row["id"])
            else:
                yield {"prompt": read.prompt, "completion": read.responses[0], "reward": row["reward"]}
