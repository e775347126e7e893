"""What a run was trained on, as people and other libraries read it: texts beside token ids, references, and whether
an answer is right where the corpus knows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora.storing import queries_of
from genius_bench.engines.loading import load_tokenizer, resolve_model
from genius_bench.errors import InputError
from genius_bench.evaluation.inspection import TextPair, right_of, sampled_pairs
from genius_bench.reporting.trl_texts import as_trl_reads
from genius_bench.runs import Run, chosen_runs

AT_A_TIME = 4096
Row = dict[str, Any]


@dataclass(frozen=True)
class TrainedOn:
    """The training set of one iteration, with what its rows refer to."""

    iteration: int
    training_set: Artifact
    checkpoint: Artifact
    queries: dict[str, Row]
    """The corpus by id; empty where it is no longer in the home."""
    tokenizer: Any

    def text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def pairs(self) -> list[TextPair]:
        answers = {name: row["answer"] for name, row in self.queries.items() if row["answer"]}
        return sampled_pairs(self.training_set.rows(), answers, self.text)


def trained_on(home: Path, name: str = "") -> tuple[Run, list[TrainedOn]]:
    """The run that `name` begins (the newest when empty), and what each of its iterations was trained on.

    Raises `InputError` where there is none, or its training sets are gone.
    """
    chosen = chosen_runs(home, [name] if name else [])
    runs = [one for one in chosen if _training_sets(one)]
    if not runs:
        online = next((one.id for one in chosen if one.is_online), None)
        rollouts = (
            f"'{online}' was trained online: `genius-bench pairs {online}` writes its rollouts, `genius-bench board "
            "--html DIR` shows them"
        )
        why = rollouts if online else "nothing was trained on pairs"
        raise InputError(f"{f'run {name}' if name else home} has no training set: {why}")
    run, store = runs[-1], Store(home)
    known, tokenizer = queries_by_id(store, run), tokenizer_of(run)
    found = []
    for iteration, key, checkpoint in _training_sets(run):
        training_set = store.find("training-set", key)
        if training_set is None:
            raise InputError(f"the training set of run '{run.id}' is not in {home}")
        made = store.named("checkpoint", checkpoint)
        found.append(TrainedOn(iteration, training_set, made, known, tokenizer))
    return run, found


def queries_by_id(store: Store, run: Run) -> dict[str, Row]:
    """A run's corpus; empty where it is no longer in the home."""
    queries = store.find("queries", queries_of(run.corpus["fingerprint"]).key)
    return {row["id"]: row for row in queries.rows()} if queries else {}


def tokenizer_of(run: Run) -> Any:
    """As the run has used it."""
    engine = (run.recipe or {}).get("engine", {})
    return load_tokenizer(resolve_model(run.base).path, engine.get("chat_template"))


def question_of(query: Row | None) -> str | None:
    """The last turn of what was asked."""
    return query["messages"][-1]["content"] if query else None


def _training_sets(run: Run) -> list[tuple[int, str, str]]:
    made = (one for one in run.checkpoints if "training_set" in one)
    return [(int(one["iteration"]), one["training_set"], one["key"]) for one in made]


def readable_rows(sets: Sequence[TrainedOn]) -> Iterator[Row]:
    """Every row with its texts. Advantages are in nats per token, reference log-probabilities in nats over the
    response's tokens; `…_correct` is None where no answer is known, or none that can be checked by its form."""
    for one in sets:
        references = _recomputed(one)
        rows = one.training_set.rows()
        while some := list(islice(rows, AT_A_TIME)):
            gold = [one.queries.get(row["query_id"], {}).get("answer") for row in some]
            names = [name for name in ("chosen", "rejected", "response") if f"{name}_ids" in some[0]]
            texts = {name: [one.text(row[f"{name}_ids"]) for row in some] for name in names}
            right = {name: right_of(list(zip(texts[name], gold, strict=True))) for name in names}
            for place, row in enumerate(some):
                yield {
                    "iteration": one.iteration,
                    "query": question_of(one.queries.get(row["query_id"])),
                    "prompt": one.tokenizer.decode(row["prompt_ids"]),
                    **{name: texts[name][place] for name in names},
                    "answer": gold[place],
                    **{f"{name}_correct": right[name][place] for name in names},
                    **row,
                    **references.get(row["id"], {}),
                }


def _recomputed(one: TrainedOn) -> dict[str, Row]:
    """References that were computed before the training, where none were recorded; a checkpoint may be gone."""
    if not (one.checkpoint.path / "rows").is_dir():
        return {}
    columns = ("reference_chosen_logp", "reference_rejected_logp")
    return {row.pop("id"): row for row in one.checkpoint.rows("id", *columns)}


def for_trl(sets: Sequence[TrainedOn], lost: Callable[[str], None]) -> Iterator[Row]:
    """The rows in TRL's columns: prompt, chosen, rejected (or prompt, completion). `lost` is told the ids of those that
    TRL would not read as they were trained on here; they are left out."""
    for one in sets:
        for row in one.training_set.rows():
            ends = ("chosen", "rejected") if "chosen_ids" in row else ("response",)
            read = as_trl_reads(one.tokenizer, row["prompt_ids"], [row[f"{name}_ids"] for name in ends])
            if read is None:
                lost(row["id"])
            elif len(ends) == 2:
                yield {"prompt": read.prompt, "chosen": read.responses[0], "rejected": read.responses[1]}
            else:
                yield {"prompt": read.prompt, "completion": read.responses[0]}
