"""The optimise stage end to end on tiny policies: what it makes, its key, and what must not change the result."""

import json
from dataclasses import replace
from math import cos, pi
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.objectives.aco import ACO
from genius_bench.objectives.dpo import DPO
from genius_bench.objectives.interface import Objective
from genius_bench.objectives.sft import SFT
from genius_bench.recipe import LoraSection
from genius_bench.training.policy import load_policy, with_adapters
from genius_bench.training.stage import Optimisation

from .support import largest_difference, make_pairs, make_training_set, settings, train, weights_of

TOLERANCE = 1e-5
"""Weights move by about 0.01 a step here; this is float32 summed in another order."""


def test_the_checkpoint_is_plain_and_whole(store: Store, llama: Path) -> None:
    artifact = train(store, llama, make_training_set(store, make_pairs(10)), report_to="tensorboard")

    before = AutoModelForCausalLM.from_pretrained(llama)
    after = AutoModelForCausalLM.from_pretrained(artifact.path / "model")
    assert any(not torch.equal(p, q) for p, q in zip(before.parameters(), after.parameters(), strict=True))
    assert after.config.to_dict() == before.config.to_dict() | {"_name_or_path": after.config._name_or_path}
    tokenizer = AutoTokenizer.from_pretrained(artifact.path / "model")
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(llama).chat_template

    log = json.loads((artifact.path / "trainer_log.json").read_text())
    assert [entry["step"] for entry in log] == [1, 2, 3]
    assert {"loss", "grad_norm", "learning_rate", "rewards/margin", "rewards/accuracy"} <= log[0].keys()
    assert list((artifact.path / "tensorboard").iterdir())
    assert not (artifact.path / "states").exists()

    counters = artifact.manifest["counters"]
    assert counters["steps"] == 3
    assert counters["rows_trained"] == 10
    pairs = make_pairs(10)
    responses = sum(len(pair.chosen_ids) + len(pair.rejected_ids) for pair in pairs)
    assert counters["response_tokens_trained"] == responses
    assert counters["tokens_trained"] == responses + 2 * sum(len(pair.prompt_ids) for pair in pairs)


def test_a_tied_policy_is_stored_as_it_came(store: Store, qwen2: Path) -> None:
    artifact = train(store, qwen2, make_training_set(store, make_pairs(4)))
    assert weights_of(artifact.path / "model").keys() == weights_of(qwen2).keys()


def test_a_bfloat16_policy_is_trained_in_float32_and_stored_in_bfloat16(store: Store, llama: Path) -> None:
    folder = store.home / "policy"
    AutoModelForCausalLM.from_pretrained(llama, dtype=torch.bfloat16).save_pretrained(folder)
    artifact = train(store, folder, make_training_set(store, make_pairs(4)))
    assert {tensor.dtype for tensor in weights_of(artifact.path / "model").values()} == {torch.bfloat16}


def test_training_twice_is_reading(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(4))
    assert not train(store, llama, training_set).reused
    # Neither where the curves go nor how often a state is kept makes another checkpoint.
    assert train(store, llama, training_set, report_to="tensorboard", checkpoint_every=1).reused


def test_the_key_holds_all_that_matters(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(4))

    def key(**changes: Any) -> str:
        parts: dict[str, Any] = {
            "policy_path": llama,
            "policy_fingerprint": "tiny",
            "training_set": training_set,
            "objective": ACO(),
            "training": settings(),
            "seed": 0,
        }
        return Optimisation(**parts | changes).identity().key

    others = [
        key(policy_fingerprint="other"),
        key(training_set=replace(training_set, key="other")),
        key(objective=DPO()),
        key(objective=ACO(alpha=2.0)),
        key(seed=1),
        key(training=settings(learning_rate=2e-2)),
        key(training=settings(micro_batch_size=1)),
        key(training=settings(reference="recompute")),
        key(training=settings(lora={"rank": 2})),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key(training=settings(precision="float32")) == key()
    without = {key(objective=SFT(), training=settings(reference=kind)) for kind in ("recorded", "recompute")}
    assert len(without) == 1


@pytest.mark.parametrize("objective", [ACO(), SFT()])
def test_one_large_micro_batch_equals_many_small_ones(
    store: Store, llama: Path, objective: Objective
) -> None:
    """8 × 1 = 1 × 8 = 4 × 2, though the last step has three rows: each row of a step counts the same."""
    training_set = make_training_set(store, make_pairs(19))
    one, other, third = (
        train(store, llama, training_set, objective, batch_size=8, micro_batch_size=micro)
        for micro in (8, 1, 4)
    )
    assert one.manifest["counters"]["steps"] == 3
    assert largest_difference(one, other) < TOLERANCE
    assert largest_difference(one, third) < TOLERANCE


def test_every_row_counts_the_same_in_an_uneven_last_step(store: Store, llama: Path) -> None:
    """Steps of four, four and one row, of a policy that stands still: their losses are means over their own rows, so
    that weighted by rows they are the mean over all, as a plain loop finds it."""
    model = AutoModelForCausalLM.from_pretrained(llama).eval()
    pairs, losses = make_pairs(9), []
    for pair in pairs:
        ids = torch.tensor([[*pair.prompt_ids, *pair.chosen_ids]])
        with torch.no_grad():
            chosen = torch.nn.functional.cross_entropy(
                model(ids).logits[0, len(pair.prompt_ids) - 1 : -1], torch.tensor(pair.chosen_ids)
            )
        losses.append(float(chosen))
    made = make_training_set(store, pairs)
    log = json.loads(
        (train(store, llama, made, SFT(), learning_rate=1e-12).path / "trainer_log.json").read_text()
    )
    weighted = sum(entry["loss"] * rows for entry, rows in zip(log, (4, 4, 1), strict=True)) / 9
    assert weighted == pytest.approx(sum(losses) / 9, abs=1e-4)
    assert min(abs(log[-1]["loss"] - loss) for loss in losses) < 1e-4


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant_with_warmup"])
def test_the_learning_rate_follows_the_schedule_that_was_asked_for(
    store: Store, llama: Path, schedule: str
) -> None:
    """Ten steps, two of warm-up; the rate of step k is the schedule's after k − 1 steps."""
    made = make_training_set(store, make_pairs(10))
    changes: dict[str, Any] = {"batch_size": 1, "micro_batch_size": 1, "warmup": 0.2, "schedule": schedule}
    log = json.loads((train(store, llama, made, SFT(), **changes).path / "trainer_log.json").read_text())
    factor = {
        "linear": lambda done: 1 - done,
        "cosine": lambda done: (1 + cos(pi * done)) / 2,
        "constant_with_warmup": lambda done: 1.0,
    }[schedule]
    expected = [0.0, 0.5, *(factor(k / 8) for k in range(8))]
    assert [entry["learning_rate"] / 1e-2 for entry in log] == pytest.approx(expected)


UPDATES: list[dict[str, Any]] = [{}, {"weight_decay": 0.5}, {"max_grad_norm": 1e-12}]


def test_weight_decay_and_clipping_are_those_that_were_asked_for(store: Store, llama: Path) -> None:
    """AdamW takes lr·λ·w from each matrix, beside its step; a gradient far below its ε moves nothing."""
    made = make_training_set(store, make_pairs(4))
    plain, decayed, clipped = (
        weights_of(train(store, llama, made, SFT(), warmup=0.0, **changes).path / "model")
        for changes in UPDATES
    )
    name, before = "model.layers.0.mlp.up_proj.weight", weights_of(llama)
    torch.testing.assert_close(decayed[name], plain[name] - 1e-2 * 0.5 * before[name])
    assert (plain[name] - before[name]).abs().max() > 5e-3
    assert (clipped[name] - before[name]).abs().max() < 1e-4


@pytest.mark.parametrize("policy", ["llama", "qwen2"])
def test_packed_equals_padded(store: Store, policy: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(policy)
    training_set = make_training_set(store, make_pairs(8))
    changes: dict[str, Any] = {"micro_batch_size": 4, "reference": "recompute"}
    padded = train(store, path, training_set, **changes)
    packed = train(store, path, training_set, packing=True, **changes)
    assert largest_difference(padded, packed) < TOLERANCE


def test_gradient_checkpointing_changes_nothing(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(4))
    plain = train(store, llama, training_set)
    assert (
        largest_difference(plain, train(store, llama, training_set, gradient_checkpointing=True)) < TOLERANCE
    )


def test_bfloat16_starts_where_the_reference_is_and_stays_close(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(8))
    exact = train(store, llama, training_set, reference="recompute")
    rough = train(store, llama, training_set, reference="recompute", precision="bfloat16")
    first = json.loads((rough.path / "trainer_log.json").read_text())[0]
    assert first["loss"] == pytest.approx(0.693147, abs=1e-2)
    assert 0 < largest_difference(exact, rough) < 0.05
    assert {tensor.dtype for tensor in weights_of(rough.path / "model").values()} == {torch.float32}


def test_recomputed_references_equal_recorded_ones(store: Store, llama: Path) -> None:
    """Recorded the way a sampler does it: one sequence at a time, token by token, in float64."""
    model = AutoModelForCausalLM.from_pretrained(llama).eval().double()

    def recorded(prompt: tuple[int, ...], response: tuple[int, ...]) -> float:
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *response]])).logits[0].log_softmax(-1)
        return sum(logits[len(prompt) + k - 1, token].item() for k, token in enumerate(response))

    pairs = make_pairs(8)
    known = [
        replace(
            pair,
            reference_chosen_logp=recorded(pair.prompt_ids, pair.chosen_ids),
            reference_rejected_logp=recorded(pair.prompt_ids, pair.rejected_ids),
        )
        for pair in pairs
    ]
    unknown = [replace(pair, reference_chosen_logp=None, reference_rejected_logp=None) for pair in pairs]
    one = train(store, llama, make_training_set(store, known))
    other = train(store, llama, make_training_set(store, unknown), reference="recompute")
    assert largest_difference(one, other) < TOLERANCE
    rows = {row["id"]: row["reference_chosen_logp"] for row in other.rows()}
    assert rows == pytest.approx({pair.id: pair.reference_chosen_logp for pair in known}, abs=1e-4)
    first = json.loads((other.path / "trainer_log.json").read_text())[0]
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)


def test_an_adapter_adds_alpha_over_rank_of_its_product(llama: Path) -> None:
    """W + (α/r)·BA, as LoRA defines it (arXiv 2106.09685, §4.1)."""
    lora = LoraSection(rank=2, alpha=7.0, dropout=0.25)
    model = with_adapters(load_policy(llama, lora, "float32"), lora)
    layer = model.get_submodule("base_model.model.model.layers.0.mlp.up_proj")
    assert layer.lora_dropout["default"].p == 0.25
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    before, a, b = layer.weight.clone(), layer.lora_A["default"].weight, layer.lora_B["default"].weight
    expected = before + 7.0 / 2 * b @ a
    layer.merge()
    torch.testing.assert_close(layer.weight, expected)


def test_lora_trains_and_stores_adapters_only(store: Store, llama: Path) -> None:
    from peft import PeftModel

    artifact = train(store, llama, make_training_set(store, make_pairs(8)), lora={"rank": 2})
    model = artifact.path / "model"
    assert all("lora_" in name for name in weights_of(model))
    assert not (model / "config.json").exists()
    assert (model / "tokenizer.json").exists()

    before = AutoModelForCausalLM.from_pretrained(llama)
    after = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama), model).merge_and_unload()
    changed = {
        name
        for (name, one), other in zip(before.named_parameters(), after.parameters(), strict=True)
        if not torch.equal(one, other)
    }
    assert changed
    assert all("proj" in name for name in changed)

    with pytest.raises(InputError, match="is a LoRA adapter already"):
        train(store, model, make_training_set(store, make_pairs(8)), lora={"rank": 2}, seed=5)
    merged = train(store, model, make_training_set(store, make_pairs(8)), seed=5)
    assert weights_of(merged.path / "model").keys() == weights_of(llama).keys()
