"""Which rows are trained on, in which order, and how unusable ones are refused."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.objectives.aco import ACO
from genius_bench.objectives.dpo import DPO
from genius_bench.objectives.interface import Objective
from genius_bench.objectives.sft import SFT
from genius_bench.rows import Demonstration, PreferencePair
from genius_bench.training.arguments import batch_plan
from genius_bench.training.examples import read_examples

from .support import VOCABULARY, largest_difference, make_pairs, make_training_set, settings, train


def test_missing_references_name_the_way_out(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(3, reference_rejected_logp=None))
    with pytest.raises(InputError, match=r"3 of 3 .*--set training.reference=recompute"):
        train(store, llama, training_set)
    assert train(store, llama, training_set, SFT()).path.exists()


def test_the_order_of_rows_and_shards_is_irrelevant(store: Store, llama: Path) -> None:
    rows = make_pairs(12)
    one = train(store, llama, make_training_set(store, rows, shard=3))
    shuffled = random.Random(1).sample(rows, k=len(rows))
    elsewhere = Store(store.home / "elsewhere")
    other = train(elsewhere, llama, make_training_set(elsewhere, shuffled, shard=5))
    assert one.key == other.key
    assert largest_difference(one, other) == 0.0


def test_another_seed_is_another_order(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(12))
    assert (
        largest_difference(train(store, llama, training_set), train(store, llama, training_set, seed=1))
        > 1e-4
    )


def test_the_end_token_is_trained(store: Store, llama: Path) -> None:
    """With the end token cut off the responses, the weights come out differently: it was not masked as padding."""
    rows = make_pairs(4)
    without = [replace(pair, chosen_ids=pair.chosen_ids[:-1]) for pair in rows]
    with_end = train(store, llama, make_training_set(store, rows), SFT())
    assert largest_difference(with_end, train(store, llama, make_training_set(store, without), SFT())) > 1e-4


def test_unusable_rows_are_dropped_and_counted(store: Store, llama: Path) -> None:
    good = make_pairs(5)
    long = replace(good[0], id="long", rejected_ids=tuple(range(3, 38)))
    same = replace(good[1], id="same", rejected_ids=good[1].chosen_ids)
    empty = replace(good[2], id="empty", chosen_ids=())
    mixed = train(store, llama, make_training_set(store, [*good, long, same, empty]), max_length=20)
    clean = train(store, llama, make_training_set(store, good), max_length=20)
    counters = mixed.manifest["counters"]
    assert {name: counters[name] for name in counters if name.startswith("rows_dropped")} == {
        "rows_dropped_too_long": 1,
        "rows_dropped_identical": 1,
        "rows_dropped_empty": 1,
    }
    assert largest_difference(mixed, clean) == 0.0


def test_a_row_of_just_the_limit_is_kept_and_one_token_more_is_too_long() -> None:
    """The limit is for a sequence: the prompt with the longer response."""
    [pair] = make_pairs(1, prompt_ids=(1, 3, 4), chosen_ids=(5, 2), rejected_ids=(6, 7, 8, 2))
    longer = replace(pair, id="longer", chosen_ids=(5, 6, 7, 8, 2))
    found = read_examples([vars(pair), vars(longer)], DPO(), max_length=7, vocabulary=VOCABULARY)
    assert [example.id for example in found.kept] == [pair.id]
    assert found.dropped["too_long"] == 1


def test_every_epoch_has_all_rows_in_an_order_of_its_own() -> None:
    plan = batch_plan(11, settings(batch_size=4), processes=1, seed=0)
    epochs = [[row for step in range(3) for row in plan.rows_of(3 * epoch + step)] for epoch in range(3)]
    assert all(sorted(rows) == list(range(11)) for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) == 3


def test_nothing_left_to_train_on_is_said_with_counts(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(3))
    with pytest.raises(InputError, match=r"no row .* left .*3 too long.*limit 4 tokens.*training.max_length"):
        train(store, llama, training_set, max_length=4)


def demonstrations(pairs: list[PreferencePair]) -> list[Demonstration]:
    return [
        Demonstration(id=p.id, query_id=p.query_id, prompt_ids=p.prompt_ids, response_ids=p.chosen_ids)
        for p in pairs
    ]


def test_imitating_pairs_is_imitating_their_chosen_responses(store: Store, llama: Path) -> None:
    pairs = make_pairs(8)
    one = train(store, llama, make_training_set(store, pairs), SFT())
    other = train(store, llama, make_training_set(store, demonstrations(pairs)), SFT())
    assert largest_difference(one, other) == 0.0
    log = json.loads((one.path / "trainer_log.json").read_text())
    assert log[-1]["loss"] < log[0]["loss"]


@pytest.mark.parametrize(
    ("fields", "objective", "changes", "message"),
    [
        ({"chosen_advantage": 0.0, "rejected_advantage": 0.0}, ACO(), {}, "needs advantages"),
        ({"weight": float("nan")}, DPO(), {}, "weight is nan"),
        ({"id": "twin"}, DPO(), {}, "3 rows called 'twin'"),
        ({"reference_chosen_logp": float("-inf")}, DPO(), {}, "reference_chosen_logp is -inf"),
        ({"chosen_ids": (4, 5, 4000)}, DPO(), {}, "made with another tokenizer"),
        ({"prompt_ids": ()}, DPO(), {}, "empty prompt"),
        ({}, DPO(), {"lora": {"rank": 2, "targets": "nowhere"}}, "training.lora.targets"),
    ],
)
def test_unusable_input_is_refused_in_one_line(
    store: Store, llama: Path, fields: dict[str, Any], objective: Objective, changes: Any, message: str
) -> None:
    training_set = make_training_set(store, make_pairs(3, **fields))
    with pytest.raises(InputError) as caught:
        train(store, llama, training_set, objective, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_reporter_that_is_not_installed_is_refused(
    store: Store, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genius_bench.training.arguments.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install wandb"):
        train(store, llama, make_training_set(store, make_pairs(3)), report_to="wandb")


def test_weights_and_biases_has_every_step_when_the_stage_ends(
    store: Store, llama: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    for name, value in (("MODE", "offline"), ("DIR", str(tmp_path)), ("CACHE_DIR", str(tmp_path / "cache"))):
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.setenv("WANDB_SILENT", "true")
    made = make_training_set(store, make_pairs(10))
    checkpoint = train(store, llama, made, report_to="wandb")
    [log] = tmp_path.glob("wandb/offline-run-*/*.wandb")
    steps = json.loads((checkpoint.path / "trainer_log.json").read_text())
    history = log.read_bytes()
    assert len(steps) == 3
    for step in steps:  # the file is binary, and holds names and numbers as text
        assert str(step["loss"]).encode() in history
    assert b"train/loss" in history


def test_pair_objectives_refuse_demonstrations(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, demonstrations(make_pairs(3)))
    with pytest.raises(InputError, match="objective 'dpo' needs pairs"):
        train(store, llama, training_set, DPO())


def test_a_policy_that_cannot_be_read_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable model configuration"):
        train(store, tmp_path / "nothing", make_training_set(store, make_pairs(3)))
