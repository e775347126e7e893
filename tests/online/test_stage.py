"""The online stage: what a step is made of, that it comes again, and that nothing it must not see moves it."""

import json
import random
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genius_bench.artifacts import Artifact, Store
from genius_bench.engines.loading import load_model
from genius_bench.errors import InputError
from genius_bench.layers import validate
from genius_bench.objectives.online.named import DAPO, GRPO, GSPO, RLOO, DrGRPO, TokenMean
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online_method import Group, OnlineOptions
from tests.training.support import largest_difference, weights_of

from .support import GROUP, QUERIES, STEPS, Early, learn, queries, rollouts_of


class Silent(Early):
    """Has nothing to say."""

    name = "silent"

    def reward(self, group: Group) -> list[float]:
        return [0.3] * len(group.responses)


class Broken(Early):
    """A reward that is no number."""

    name = "broken"

    def reward(self, group: Group) -> list[float]:
        return [float("nan") if group.query.id == "q3" else 1.0 for _ in group.responses]


def files_of(artifact: Artifact) -> dict[str, bytes]:
    """Everything in it but what is about the attempt."""
    return {
        path.relative_to(artifact.path).as_posix(): path.read_bytes()
        for path in artifact.path.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_two_runs_give_equal_files_and_another_seed_does_not(tmp_path: Path, llama: Path) -> None:
    one, two = (learn(Store(tmp_path / name), llama, eval_every=2) for name in ("one", "two"))
    assert files_of(one) == files_of(two)
    assert {f"rows/{step:05d}.parquet" for step in range(STEPS)} < files_of(one).keys()
    assert (one.path / "steps" / "2" / "model").is_dir()
    other = learn(Store(tmp_path / "other"), llama, seed=4)
    assert other.key != one.key
    assert [row["response_ids"] for row in rollouts_of(other)] != [
        row["response_ids"] for row in rollouts_of(one)
    ]


def test_every_epoch_asks_every_query_and_counts_what_it_took(store: Store, llama: Path) -> None:
    made = learn(store, llama)
    rows = rollouts_of(made)
    for epoch in (rows[: QUERIES * GROUP], rows[QUERIES * GROUP :]):
        assert [row["number"] for row in epoch] == [*range(GROUP)] * QUERIES
        assert {row["query_id"] for row in epoch} == {f"q{number}" for number in range(QUERIES)}
    counters = made.manifest["counters"]
    assert counters["steps"] == STEPS
    assert counters["tokens_sampled"] == sum(len(row["response_ids"]) for row in rows)
    assert counters["tokens_read"] == sum(len(row["prompt_ids"]) for row in rows)


def test_what_is_rewarded_becomes_likelier(store: Store, llama: Path) -> None:
    sampling = {"max_tokens": 24, "responses": 8}
    made = learn(store, llama, sampling=sampling, objective=TokenMean(beta=0), epochs=10, batch_size=48)
    rewards = [line["reward"] for line in made.json("trainer_log.json")]
    assert rewards[-1] > rewards[0] + 0.25


def test_the_sampler_says_what_the_trainer_says_and_entropy_is_the_distributions(
    store: Store, llama: Path
) -> None:
    """Held against the plain model: the first step's rows are those of the untouched policy."""
    made = learn(store, llama)
    lines = made.json("trainer_log.json")
    assert all(line["mismatch"] < 1e-5 for line in lines if line["updated"])
    assert lines[0]["kl"] == pytest.approx(0.0, abs=1e-6)
    assert lines[-1]["kl"] > 1e-3
    model = load_model(llama, device="cpu")
    row = rollouts_of(made)[0]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row["prompt_ids"] + row["response_ids"]])).logits[0]
    probabilities = logits.softmax(-1)[len(row["prompt_ids"]) - 1 : -1]
    drawn = [float(p[token]) for p, token in zip(probabilities, row["response_ids"], strict=True)]
    assert row["sampled_logps"] == pytest.approx([log(p) for p in drawn], abs=1e-4)
    assert row["entropy"] == pytest.approx(
        float(-(probabilities * probabilities.log()).sum(-1).mean()), abs=1e-4
    )


def test_shuffled_gold_answers_change_nothing(tmp_path: Path, llama: Path) -> None:
    """Nor does their absence: the artifact is the same down to its key."""
    answers = [f"w{number}" for number in range(QUERIES)]
    shuffled = random.Random(1).sample(answers, QUERIES)
    one, two = (
        learn(Store(tmp_path / str(n)), llama, corpus=queries(some))
        for n, some in enumerate([answers, shuffled])
    )
    assert one.key == two.key
    assert files_of(one) == files_of(two)


def test_silent_steps_move_nothing_and_are_counted(
    store: Store, llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = learn(store, llama, Silent)
    assert made.manifest["counters"]["steps_silent"] == made.manifest["counters"]["steps"] == STEPS
    assert f"{STEPS} of {STEPS} steps had only silent groups" in capsys.readouterr().err
    lines = made.json("trainer_log.json")
    assert all(line["silent_groups"] == 1 and not line["updated"] and "loss" not in line for line in lines)
    before, after = weights_of(llama), weights_of(made.path / "model")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_unfinished_responses_are_in_the_baseline_and_not_in_the_loss(store: Store, llama: Path) -> None:
    """A limit of one token, that nearly no response keeps."""
    made = learn(store, llama, sampling={"max_tokens": 1})
    for line in made.json("trainer_log.json"):
        whole = [
            row
            for row in rollouts_of(made)
            if row["step"] == line["step"] and row["finish_reason"] != "length"
        ]
        assert line.get("rows_trained", 0) == (len(whole) if line["updated"] else 0)
        assert line["unfinished"] == 1 - len(whole) / 8
    assert any(row["advantage"] for row in rollouts_of(made))


def test_voters_may_be_more_than_are_trained_on(store: Store, llama: Path) -> None:
    made = learn(store, llama, sampling={"responses": 6, "trained": 4})
    rows = rollouts_of(made)
    assert [row["number"] for row in rows[:6]] == [*range(6)]
    assert [row["number"] for row in rows if row["advantage"] is None] == [4, 5] * (len(rows) // 6)
    trained = [row["advantage"] for row in rows[:4]]
    assert sum(trained) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "objective",
    [TokenMean(), GRPO(kl="k3"), DrGRPO(length=12), DAPO(dual_clip=3), GSPO(), RLOO(advantage="batch")],
    ids=lambda objective: objective.name,
)
def test_micro_batches_only_change_the_order_of_sums(
    tmp_path: Path, llama: Path, objective: TokenObjective
) -> None:
    asked: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-3, "objective": objective}
    one, two = (
        learn(Store(tmp_path / str(micro)), llama, micro_batch_size=micro, **asked) for micro in (8, 2)
    )
    assert largest_difference(one, two) < 1e-5
    losses = [[line["loss"] for line in made.json("trainer_log.json")] for made in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_one_prompt_a_group_is_read_as_if_each_response_had_its_own(
    tmp_path: Path, llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-3, "micro_batch_size": 8}
    layouts: tuple[dict[str, Any], ...] = ({}, {"shared_prompts": False}, {"packing": False})
    shared, *others = (
        learn(Store(tmp_path / str(number)), llama, **asked, **layout)
        for number, layout in enumerate(layouts)
    )
    said = [line for line in capsys.readouterr().err.splitlines() if "micro batch" in line]
    assert [line.rpartition(": ")[2] for line in said] == [
        "packed, the prompt of a group once",
        "packed",
        "padded",
    ]
    assert max(line["mismatch"] for line in shared.json("trainer_log.json")) < 1e-5
    assert all(largest_difference(shared, other) < 1e-5 for other in others)


def test_several_updates_a_step_leave_the_drawing_policy_behind(store: Store, llama: Path) -> None:
    """Two updates of one group each on what the same weights drew: in the second one ratios are no longer 1."""
    made = learn(store, llama, sampling={"updates": 2}, learning_rate=1e-3, epochs=1)
    lines = made.json("trainer_log.json")
    twice = [line for line in lines if line["updated"] == 2]
    assert twice
    assert all(line["mismatch"] > 1e-4 for line in twice)
    assert all(line["mismatch"] < 1e-5 for line in lines[:1] if line["updated"] == 1)


def test_a_divergence_in_the_reward_is_the_drawing_policys_to_the_base(store: Store, llama: Path) -> None:
    """Held against the models: the base and a checkpoint on the way, whose rollouts are the next step's."""
    made = learn(store, llama, objective=RLOO(kl="reward-k1", beta=0.1), eval_every=1, learning_rate=1e-3)
    policy, base = load_model(made.path / "steps" / "3" / "model"), load_model(llama)
    rows = [row for row in rollouts_of(made) if row["step"] == 4]
    for row in rows:
        said = [_log_probability(model, row) for model in (policy, base)]
        assert row["penalty"] == pytest.approx(0.1 * (said[0] - said[1]), abs=1e-4)
    worth = np.array([row["reward"] - row["penalty"] for row in rows]).reshape(-1, GROUP)
    others = (worth.sum(1, keepdims=True) - worth) / (GROUP - 1)
    assert [row["advantage"] for row in rows] == pytest.approx((worth - others).ravel().tolist(), abs=1e-5)
    assert all(abs(row["penalty"]) < 1e-6 for row in rollouts_of(made) if row["step"] == 1)


def _log_probability(model: Any, row: dict[str, Any]) -> float:
    ids = torch.tensor([row["prompt_ids"] + row["response_ids"]])
    with torch.no_grad():
        said = model(input_ids=ids).logits[0].log_softmax(-1)
    start = len(row["prompt_ids"]) - 1
    return sum(float(said[start + place, token]) for place, token in enumerate(row["response_ids"]))


def test_a_reward_that_is_no_number_is_named(store: Store, llama: Path) -> None:
    with pytest.raises(
        InputError, match=r"^method 'broken', step \d, query 'q3': the reward of response 1 is nan"
    ):
        learn(store, llama, Broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"responses": 1}, "a group of one"),
        ({"trained": 1}, "a group of one"),
        ({"responses": 4, "trained": 5}, "trained = 5 is more than the 4"),
        ({"temperature": 0.6}, "temperature 1 and top_p 1"),
        ({"top_p": 0.9}, "temperature 1 and top_p 1"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        validate(OnlineOptions, options, "sampling")
    assert "\n" not in str(caught.value)


def test_an_adapter_is_trained_and_published_as_one(store: Store, llama: Path) -> None:
    made = learn(store, llama, lora={"rank": 2}, epochs=1)
    assert (made.path / "model" / "adapter_config.json").exists()
    assert json.loads((made.path / "trainer_log.json").read_text())[0]["mismatch"] < 1e-5
