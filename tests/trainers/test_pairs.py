"""Pairs from outside: the columns of TRL's data sets, and the same losses as TRL on the same rows, both ways."""

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from genius_bench.artifacts import Build, Identity, Store
from genius_bench.cli import main
from genius_bench.corpora.columns import Columns
from genius_bench.corpora.conversations import UnusableRow
from genius_bench.corpora.stream import Record
from genius_bench.engines.loading import load_tokenizer
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import CorpusSection
from genius_bench.reporting.training_rows import TrainedOn, for_trl, readable_rows
from genius_bench.rows import PreferencePair, Query, TrainingRow
from genius_bench.runs import read_runs
from genius_bench.sampling.policy import Policy
from trainers.pairs import Pairs

ASKED = [{"role": "user", "content": "What is 2 + 3?"}]
GOOD = [{"role": "assistant", "content": "2 + 3 is 5. The answer is 5."}]
BAD = [{"role": "assistant", "content": "The answer is 6."}]
PLAIN = {"prompt": "What is 2 + 3?", "chosen": GOOD[0]["content"], "rejected": BAD[0]["content"]}
CONVERSATIONAL = {"prompt": ASKED, "chosen": GOOD, "rejected": BAD}
WHOLE = {"chosen": ASKED + GOOD, "rejected": ASKED + BAD}
MORE = [
    {"prompt": "Name a colour.", "chosen": "Red.", "rejected": "Seven, I think, or eight."},
    {"prompt": "Is 7 even?", "chosen": "No, it is odd.", "rejected": "Yes."},
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(MODEL_PATH)


def read(row: dict[str, Any]) -> Query:
    columns = Columns.of(CorpusSection(), Record("row 1", row), preferences=True)
    return columns.read(row)[0]


def made_of(row: dict[str, Any], tokenizer: Any, **options: Any) -> TrainingRow:
    policy = Policy(SimpleNamespace(tokenizer=tokenizer), seed=0)
    [made] = asyncio.run(Pairs(Pairs.Options(**options)).collect(read(row), policy)).rows
    return made


@pytest.mark.parametrize("row", [PLAIN, CONVERSATIONAL, WHOLE], ids=["plain", "conversational", "whole"])
def test_trls_columns_are_one_pair(row: dict[str, Any], tokenizer: Any) -> None:
    query = read(row)
    assert query.messages == tuple(ASKED)
    assert (query.reference, query.preference) == (PLAIN["chosen"], {"rejected": PLAIN["rejected"]})
    made = made_of(row, tokenizer)
    assert isinstance(made, PreferencePair)
    assert tokenizer.decode(made.prompt_ids) == "<s><|user|>What is 2 + 3?<|end|><|assistant|>"
    assert tokenizer.decode(made.chosen_ids) == f"{PLAIN['chosen']}<|end|>"
    assert tokenizer.decode(made.rejected_ids) == f"{PLAIN['rejected']}<|end|>"
    assert made.reference_chosen_logp is None


def test_numbers_come_with_their_pair_and_words_do_not(tokenizer: Any) -> None:
    made = made_of(PLAIN | {"weight": 0.5, "chosen_advantage": 0.25, "rejected_advantage": -1}, tokenizer)
    assert isinstance(made, PreferencePair)
    assert (made.weight, made.chosen_advantage, made.rejected_advantage) == (0.5, 0.25, -1.0)
    with pytest.raises(UnusableRow, match="has a str in 'weight' where a number belongs"):
        read(PLAIN | {"weight": "much"})


def test_demonstrations_have_no_rejected_response(tokenizer: Any) -> None:
    made = made_of({"prompt": ASKED, "completion": GOOD}, tokenizer)
    assert tokenizer.decode(made.response_ids) == f"{PLAIN['chosen']}<|end|>"  # type: ignore[union-attr]


def test_one_question_may_have_many_pairs_here_and_is_one_query_elsewhere() -> None:
    other = PLAIN | {"rejected": "The answer is 7."}
    assert read(PLAIN).id != read(other).id
    elsewhere = Columns.of(CorpusSection(), Record("row 1", PLAIN))
    assert elsewhere.read(PLAIN)[0] == elsewhere.read(other)[0]
    assert elsewhere.read(PLAIN)[0].preference is None


@pytest.fixture(scope="module")
def models() -> tuple[Any, Any]:
    """A reference, and a policy some way from it."""
    from transformers import AutoModelForCausalLM

    reference = AutoModelForCausalLM.from_pretrained(MODEL_PATH, dtype=torch.float32)
    policy = copy.deepcopy(reference)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in policy.parameters():
            weight += 0.02 * torch.randn_like(weight)
    return policy, reference


@pytest.fixture
def theirs(
    models: tuple[Any, Any], tokenizer: Any, tmp_path: Path
) -> Callable[[list[dict[str, Any]]], float]:
    """TRL's loss on a data set as it comes, which TRL itself reads, tokenises and pads."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    def loss(rows: list[dict[str, Any]]) -> float:
        policy, reference = (copy.deepcopy(model) for model in models)
        options = {
            "use_cpu": True,
            "bf16": False,
            "report_to": [],
            "gradient_checkpointing": False,
            "beta": 0.3,
        }
        trainer = DPOTrainer(
            model=policy,
            ref_model=reference,
            args=DPOConfig(output_dir=str(tmp_path), max_length=None, **options),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
        )
        names = ("prompt_ids", "chosen_ids", "rejected_ids")
        batch = trainer.data_collator([{name: row[name] for name in names} for row in trainer.train_dataset])
        return float(trainer._compute_loss(policy, dict(batch), return_outputs=False))

    return loss


def ours(rows: list[TrainingRow], models: tuple[Any, Any]) -> float:
    from genius_bench.objectives.dpo import DPO
    from genius_bench.training.collator import Collator
    from genius_bench.training.examples import read_examples
    from genius_bench.training.log_probabilities import (
        objective_batch,
        response_log_probabilities,
        split_halves,
    )

    policy, reference = models
    objective = DPO(beta=0.3)
    kept = read_examples(map(asdict, rows), objective, max_length=512, vocabulary=100_000).kept
    collator = Collator(packing=False)
    with torch.no_grad():
        halves = split_halves(response_log_probabilities(reference, collator(kept)), len(kept))
        known = [
            example.with_reference(*values)
            for example, *values in zip(kept, *(half.tolist() for half in halves), strict=True)
        ]
        return float(objective(objective_batch(policy, collator(known)))[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["conversational", "plain"])
def test_our_rows_of_a_trl_data_set_have_trls_loss(
    kind: str, theirs: Callable[[list[dict[str, Any]]], float], models: tuple[Any, Any], tokenizer: Any
) -> None:
    """Plain text is what TRL takes as it is, under no template."""
    if kind == "plain":
        data: list[dict[str, Any]] = [PLAIN, *MORE]
        rows = [made_of(row, tokenizer, prompts="raw") for row in data]
    else:
        roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
        data = [
            {name: [{"role": role, "content": row[name]}] for name, role in roles.items()}
            for row in (PLAIN, *MORE)
        ]
        rows = [made_of(row, tokenizer) for row in data]
    assert ours(rows, models) == pytest.approx(theirs(data), abs=1e-5)


@pytest.mark.slow
def test_trl_has_our_loss_on_exported_pairs(
    theirs: Callable[[list[dict[str, Any]]], float],
    models: tuple[Any, Any],
    tokenizer: Any,
    tmp_path: Path,
) -> None:
    rows = [made_of(row, tokenizer) for row in (PLAIN, *MORE)]
    [first, *_] = rows
    assert isinstance(first, PreferencePair)
    spelled = tuple(tokenizer.encode(letter, add_special_tokens=False)[0] for letter in "The")
    odd = asdict(first) | {"id": "odd", "chosen_ids": (*spelled, first.chosen_ids[-1])}
    trained = trained_on_rows(tmp_path, [*map(asdict, rows), odd], tokenizer)
    lost: list[str] = []
    exported = list(for_trl([trained], lost.append))
    assert lost == ["odd"], "tokens that the text does not lead back to"
    assert exported[0].keys() == {"prompt", "chosen", "rejected"}
    assert theirs(exported) == pytest.approx(ours(rows, models), abs=1e-5)


def trained_on_rows(home: Path, rows: list[dict[str, Any]], tokenizer: Any) -> TrainedOn:
    store = Store(home)
    identity = Identity(kind="training-set", version=1, parameters={})

    def produce(build: Build) -> None:
        build.write_shard(rows)

    made = store.make(identity, produce)
    query = {"messages": ASKED, "answer": "5"}
    return TrainedOn(1, made, store.named("checkpoint", "none"), {rows[0]["query_id"]: query}, tokenizer)


def test_readable_rows_say_what_is_right_where_an_answer_is_known(tokenizer: Any, tmp_path: Path) -> None:
    rows = [asdict(made_of(row, tokenizer)) for row in (PLAIN, MORE[0])]
    known, unknown = readable_rows([trained_on_rows(tmp_path, rows, tokenizer)])
    assert (known["query"], known["chosen"], known["rejected"]) == tuple(PLAIN.values())
    assert (known["chosen_correct"], known["rejected_correct"]) == (True, False)
    assert (unknown["query"], unknown["chosen_correct"]) == (None, None)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pairs_go_out_and_come_in_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run on somebody's file; its rows as this package, `datasets` and pandas read them; and a run on those."""
    from datasets import load_dataset

    given = tmp_path / "given.jsonl"
    given.write_text("".join(json.dumps(row) + "\n" for row in (PLAIN | {"answer": "5", "weight": 2}, *MORE)))
    home = ["--home", str(tmp_path / "home")]
    train = ["train", "--method", "pairs", "--no-eval", "--set", "training.batch_size=4", *home]
    with pytest.raises(SystemExit):
        main([*train, "--corpus", "lab"])
    assert "'pairs' needs" in capsys.readouterr().err
    main([*train, "--corpus", str(given)])
    [run] = read_runs(tmp_path / "home")
    for ending in ("jsonl", "parquet"):
        main(["pairs", run.id[:9], "--format", ending, "--output", str(tmp_path / f"out.{ending}"), *home])
    kinds = {"jsonl": "json", "parquet": "parquet"}
    for ending, kind in kinds.items():
        loaded = load_dataset(
            kind, data_files=str(tmp_path / f"out.{ending}"), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert sorted(loaded["chosen"]) == sorted(row["chosen"] for row in (PLAIN, *MORE))
        assert sum(loaded["weight"]) == 4
        assert all(value < 0 for value in loaded["reference_chosen_logp"]), "as the stage has computed them"
    main([*train, "--corpus", str(tmp_path / "out.jsonl")])
    again = max(read_runs(tmp_path / "home"), key=lambda one: one.finished_at)
    assert again.id != run.id


def test_a_prompt_that_is_rendered_already_is_not_rendered_again(tokenizer: Any) -> None:
    """As `genius-bench pairs --format trl` writes it, for trainers that read plain text."""
    rendered = tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)
    with pytest.raises(InputError, match=r"rendered already.*--set sampling.prompts=raw"):
        made_of(PLAIN | {"prompt": rendered}, tokenizer)
    raw = made_of(PLAIN | {"prompt": rendered}, tokenizer, prompts="raw")
    assert list(raw.prompt_ids) == tokenizer(rendered)["input_ids"]


def test_a_query_may_begin_with_the_word_that_a_template_begins_with() -> None:
    from genius_bench.sampling.demonstrations import _refuse_rendered

    class Plain:
        all_special_ids = (0,)

        def decode(self, ids: list[int]) -> str:
            return {0: "<s>", 1: "Question"}[ids[0]]

    query = read(PLAIN | {"prompt": "Question 3: what is 2 + 3?"})
    _refuse_rendered(query, (1, 7), Plain())
    with pytest.raises(InputError, match="rendered already"):
        _refuse_rendered(read(PLAIN | {"prompt": "<s>Question"}), (0, 1), Plain())
