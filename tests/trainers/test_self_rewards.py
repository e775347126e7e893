"""Sharpening and certainty: what a policy thinks of its own responses decides, and no label does."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus
from genius_bench.engines.hf import HFEngine
from genius_bench.method import Collected
from genius_bench.recipe import EngineSection
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, Message, PreferencePair, Query
from genius_bench.sampling import collecting
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.self_reward import borda_votes
from tests.engines.conftest import build
from tests.sampling.scripted import Script
from tests.trainers.support import ask, collect, in_turn, text_of
from trainers.certainty import Certainty
from trainers.sharpening import Sharpening


def imitated(collected: Collected) -> list[str]:
    return [text_of(row.response_ids) for row in collected.rows if isinstance(row, Demonstration)]


def with_log_probabilities(**responses: float) -> Script:
    """Says these in turn; the numbers are nats per token."""
    waiting = list(responses.items())
    return lambda text, random: waiting.pop(0)


# Sharpening


def test_sharpening_imitates_the_most_probable_whole() -> None:
    """Sums over tokens, the end included: `abcdefgh` is the likelier a token, `xy` as a whole. Per token on request."""
    said = {"abcdefgh": -0.5, "xy": -1.0, "xyz": -1.0}
    assert imitated(collect(Sharpening, with_log_probabilities(**said), responses=3)[0]) == ["xy"]
    longer, _ = collect(Sharpening, with_log_probabilities(**said), responses=3, reward="mean")
    assert imitated(longer) == ["abcdefgh"]
    collected, engine = collect(Sharpening, with_log_probabilities(ab=-1.0, cd=-1.0), responses=2)
    assert imitated(collected) == ["ab"], "the first of equals"
    assert [request.temperature for request in engine.requests] == [1.0, 1.0]
    assert [one["reward"] for one in collected.trace] == [-3.0, -3.0]


@pytest.mark.parametrize(("number", "mass"), [(1, 0.5), (2, 0.75), (4, 0.9375)])
def test_best_of_n_puts_its_mass_on_the_mode(number: int, mass: float) -> None:
    """Of a policy with probabilities .5, .3 and .2: 1 − (1 − .5)^N."""

    def policy(text: str, random: np.random.Generator) -> tuple[str, float]:
        place = int(random.choice(3, p=[0.5, 0.3, 0.2]))
        return "abc"[place], float(np.log([0.5, 0.3, 0.2][place])) / 2

    queries = 300
    best = [
        imitated(collect(Sharpening, policy, ask(number=n), responses=number)[0])[0] for n in range(queries)
    ]
    spread = 3 * (mass * (1 - mass) / queries) ** 0.5
    assert best.count("a") / queries == pytest.approx(mass, abs=spread)


def test_sharpening_pairs_take_no_side() -> None:
    """Draws two by two; who is called chosen goes by token ids, whatever is likelier or came first."""
    options: dict[str, Any] = {"form": "preference", "responses": 6}
    said = {"ab": -0.1, "ax": -3.0, "zz": -0.1, "aa": -3.0}
    collected, _ = collect(
        Sharpening, in_turn(*said, "same", "same"), **options
    )  # in_turn: -0.5 nats for every token
    halves = [
        (text_of(r.chosen_ids), text_of(r.rejected_ids))
        for r in collected.rows
        if isinstance(r, PreferencePair)
    ]
    assert halves == [("ab", "ax"), ("aa", "zz")]
    assert collected.notes == {"unusable": 0, "identical": 1}
    swapped, _ = collect(Sharpening, in_turn("ax", "ab", "aa", "zz", "same", "same"), **options)
    assert swapped.rows == collected.rows


def test_the_preference_form_has_its_own_objective() -> None:
    resolved = resolve({"method": "sharpening", "variant": "preference", "model": "other"})
    objective, training = resolved.settings_of(1)
    assert (objective.name, training.learning_rate, training.reference) == ("sharpening", 5e-7, "recorded")
    assert resolve({"method": "sharpening"}).settings_of(1)[0].name == "sft"


@pytest.mark.parametrize("method", [Sharpening, Certainty])
def test_nothing_is_chosen_where_nothing_can_be_used(method: Any) -> None:
    collected, _ = collect(method, in_turn(" ", "", "\n"), responses=3)
    assert (collected.rows, collected.notes["unusable"]) == ([], 3)


# Certainty: a scripted response is as certain as its last digit says


def test_certainty_imitates_the_response_of_the_highest_mean() -> None:
    said = [f"The answer is {digit}." for digit in (3, 7, 5)]
    assert imitated(collect(Certainty, in_turn(*said), responses=3)[0]) == ["The answer is 7."]
    longer = "We go a long way round to get there. The answer is 5."
    assert imitated(collect(Certainty, in_turn(longer, said[1]), responses=2)[0]) == [said[1]], (
        "a mean, no sum"
    )
    twice = ["1. The answer is 7.", "2. The answer is 7."]
    assert imitated(collect(Certainty, in_turn(*twice), responses=2)[0]) == [twice[0]]


def test_responses_without_an_answer_come_last() -> None:
    said = ["The answer is 3.", "I walked on for a very long time, past house number 9"]
    last, _ = collect(Certainty, in_turn(*said), responses=2)
    assert (imitated(last), last.notes["unanswered"]) == ([said[0]], 1)
    equal, _ = collect(Certainty, in_turn(*said), responses=2, without_answer="equal")
    assert imitated(equal) == [said[1]]
    assert equal.notes["unanswered"] == 0
    open_ended = ["We walked for a long time, past number 2", "We walked for a long time, past number 8"]
    assert imitated(collect(Certainty, in_turn(*open_ended), responses=2)[0]) == [open_ended[1]]


def test_borda_weighs_votes_by_rank() -> None:
    """N = 4, p = 1/2: the first has 2 votes, the others √3, √2 and 1."""
    answers = ["x", "y", None, "y"]
    votes = borda_votes([0.9, 0.5, 0.7, 0.1], answers, 0.5)
    assert votes == {"x": pytest.approx(2.0), "y": pytest.approx(2**0.5 + 1)}
    assert borda_votes([0.9, 0.5, 0.7, 0.1], answers, 0.0) == {"x": 1.0, "y": 2.0}
    assert borda_votes([0.9, 0.5, 0.7, 0.1], answers, 5.0) == {"x": 4.0**5, "y": 2.0**5 + 1}
    assert borda_votes([0.1, 0.2], [None, None], 0.5) == {}


def test_borda_imitates_the_most_certain_with_the_winning_answer() -> None:
    said = ["The answer is 9.", "a. The answer is 1.", "b. The answer is 1.", "The answer is 1."]
    assert imitated(collect(Certainty, in_turn(*said), responses=4)[0]) == [said[0]]
    assert imitated(collect(Certainty, in_turn(*said), responses=4, votes="borda")[0]) == [said[1]]
    steep, _ = collect(Certainty, in_turn(*said), responses=4, votes="borda", power=5.0)
    assert imitated(steep) == [said[0]]


# With a real engine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("llama", tmp_path_factory.mktemp("llama"))


def collected(home: Path, model: Path, method: Any, **options: Any) -> Artifact:
    texts = ["3 + 4", "a", "How many apples?", "Tom has 3 apples."]
    messages = [(Message(role="user", content=text),) for text in texts]
    return collecting.collect(
        Store(home),
        method(method.Options(responses=4, max_tokens=12, unfinished="keep", **options)),
        corpus=Corpus(name="test", queries=[Query(id=f"q{n}", messages=m) for n, m in enumerate(messages)]),
        policy_fingerprint="policy",
        open_engine=lambda: HFEngine(model, EngineSection()),
        seed=0,
    )


def rows_of(home: Path, collection: Artifact) -> list[dict[str, Any]]:
    return list(collecting.training_set(Store(home), collection).rows())


def test_the_most_certain_response_is_so_by_a_pass_of_the_model(tmp_path: Path, model: Path) -> None:
    policy = AutoModelForCausalLM.from_pretrained(model, dtype="float32")
    query = Query(id="q", messages=(Message(role="user", content="a"),))
    options = Certainty.Options(responses=4, max_tokens=12, unfinished="keep", without_answer="equal")
    engine = HFEngine(model, EngineSection())
    drawn: list[tuple[int, ...]] = []
    generate = engine.generate

    async def watched(request: Any) -> Any:
        completion = await generate(request)
        drawn.append(completion.token_ids)
        return completion

    engine.generate = watched  # type: ignore[method-assign]
    [row] = asyncio.run(Certainty(options).collect(query, Policy(engine, 0))).rows
    assert isinstance(row, Demonstration)

    def mean_divergence(response: tuple[int, ...]) -> float:
        ids = torch.tensor([[*row.prompt_ids, *response]])
        with torch.no_grad():
            logprobs = policy(ids).logits[0, len(row.prompt_ids) - 1 : -1].double().log_softmax(-1)
        return float((-logprobs.mean(-1) - np.log(logprobs.shape[-1])).mean())

    assert row.response_ids == max(drawn, key=mean_divergence)


def test_pooled_responses_are_judged_as_fresh_ones(tmp_path: Path, model: Path) -> None:
    """What another method has drawn is read once more, to the same end."""
    plain = {"temperature": 1.0, "top_p": 1.0}
    collected(tmp_path / "shared", model, Sharpening)
    again = collected(tmp_path / "shared", model, Certainty, **plain)
    fresh = collected(tmp_path / "fresh", model, Certainty, **plain)
    assert again.manifest["counters"]["tokens_reused"] == fresh.manifest["counters"]["tokens_sampled"]
    assert rows_of(tmp_path / "shared", again) == rows_of(tmp_path / "fresh", fresh)


def test_recorded_references_are_those_of_the_policy(tmp_path: Path, model: Path) -> None:
    policy = AutoModelForCausalLM.from_pretrained(model, dtype="float32")
    for row in rows_of(tmp_path, collected(tmp_path, model, Sharpening, form="preference")):
        for half in ("chosen", "rejected"):
            ids = torch.tensor([row["prompt_ids"] + row[f"{half}_ids"]])
            with torch.no_grad():
                logprobs = policy(ids).logits[0, len(row["prompt_ids"]) - 1 : -1].log_softmax(-1)
            own = logprobs.gather(-1, torch.tensor(row[f"{half}_ids"])[:, None]).sum()
            assert row[f"reference_{half}_logp"] == pytest.approx(float(own), abs=1e-3)
