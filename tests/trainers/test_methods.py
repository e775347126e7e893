"""Each method's rule of construction against a policy that says what is written here."""

from typing import Any

import numpy as np
import pytest

from genius_bench.errors import InputError
from genius_bench.lab import instructions
from genius_bench.method import Collected
from genius_bench.resolution import lab_preset, resolve
from genius_bench.rows import Demonstration, PreferencePair
from tests.sampling.scripted import Script
from tests.trainers.support import PROMPT, ask, collect, in_turn, text_of
from trainers.certainty import Certainty
from trainers.coh import CoH, CohOptions
from trainers.crest import CREST
from trainers.dpo_st import DpoST
from trainers.iterative_rpo import IterativeRPO
from trainers.lmsi import LMSI
from trainers.meta_rewarding import MetaRewarding
from trainers.placebo import Placebo
from trainers.rest_em import RestEM
from trainers.scpo import ScPO
from trainers.self_explore import SelfExplore
from trainers.self_rewarding import SelfRewarding
from trainers.sft import SFT
from trainers.sharpening import Sharpening
from trainers.spin import SPIN, SpinOptions
from trainers.star import STaR, StarOptions


def demonstrations(collected: Collected) -> list[Demonstration]:
    return [row for row in collected.rows if isinstance(row, Demonstration)]


def pairs(collected: Collected) -> list[PreferencePair]:
    return [row for row in collected.rows if isinstance(row, PreferencePair)]


def texts(collected: Collected) -> list[tuple[str, str]]:
    """(chosen, rejected) of every pair."""
    return [(text_of(row.chosen_ids), text_of(row.rejected_ids)) for row in pairs(collected)]


def imitated(collected: Collected) -> list[str]:
    return [text_of(row.response_ids) for row in demonstrations(collected)]


def any_answer(text: str, random: np.random.Generator) -> tuple[str, float]:
    return f"The answer is {random.integers(4)}.", -0.5


# SFT


def test_sft_imitates_the_reference_and_its_end() -> None:
    collected, engine = collect(SFT, any_answer, ask(reference="Four.\n"))
    row = demonstrations(collected)[0]
    assert text_of(row.prompt_ids + row.response_ids) == f"{PROMPT} Four."
    assert row.response_ids[-1] == 1
    assert engine.requests == []


def test_sft_leaves_out_blank_references() -> None:
    collected, _ = collect(SFT, any_answer, ask(reference=" \n"))
    assert (collected.rows, collected.notes) == ([], {"blank_reference": 1})


# STaR


def test_star_without_a_filter_imitates_whatever_ends() -> None:
    collected, engine = collect(STaR, any_answer)
    assert len(imitated(collected)) == 1
    assert engine.requests[0].temperature == 0.6
    assert collect(STaR, any_answer, max_tokens=3)[0].notes == {"unusable": 1, "filtered": 0}
    assert len(collect(STaR, any_answer, max_tokens=3, unfinished="keep")[0].rows) == 1


def test_star_with_gold_answers_rationalises_and_trains_without_the_hint() -> None:
    def needs_a_hint(text: str, random: np.random.Generator) -> tuple[str, float]:
        return ("The answer is 7." if "answer is 7" in text else "The answer is 8."), -0.5

    query = ask(answer="7")
    assert not collect(STaR, needs_a_hint, query, filter="gold")[0].rows
    collected, engine = collect(STaR, needs_a_hint, query, filter="gold", rationalise=True)
    assert imitated(collected) == ["The answer is 7."]
    assert text_of(demonstrations(collected)[0].prompt_ids) == PROMPT
    assert "(Hint: the answer is 7.)" in text_of(engine.requests[1].prompt_ids)
    right, engine = collect(STaR, needs_a_hint, ask(answer="8"), filter="gold", rationalise=True)
    assert imitated(right) == ["The answer is 8."]
    assert len(engine.requests) == 1, "who was right is not asked again"


def test_star_needs_answers_for_the_gold_filter_only() -> None:
    assert STaR(StarOptions()).needs == frozenset()
    assert STaR(StarOptions(filter="gold")).needs == {"answers"}
    with pytest.raises(InputError, match="rationalise needs filter=gold"):
        resolve({"method": "star", "sampling": {"rationalise": True}})


def test_star_restarts_from_the_base_model_three_times() -> None:
    method = STaR(StarOptions())
    assert (method.iterations, method.restarts_from_base(2)) == (3, True)
    assert not STaR(StarOptions(restart=False)).restarts_from_base(2)


# CoH


def steerable(text: str, random: np.random.Generator) -> tuple[str, float]:
    return f"{'bad' if 'unhelpful' in text else 'good'} {random.integers(1000)}", -0.5


def test_coh_prefers_by_instruction_and_trains_on_the_plain_query() -> None:
    collected, engine = collect(CoH, steerable)
    assert len(collected.rows) == 4
    for row, (chosen, rejected) in zip(pairs(collected), texts(collected), strict=True):
        assert (chosen[:4], rejected[:3]) == ("good", "bad")
        assert text_of(row.prompt_ids) == PROMPT
        assert row.reference_chosen_logp is None, "it was sampled after another prompt"
    prompts = {text_of(request.prompt_ids) for request in engine.requests}
    assert len(prompts) == 2
    assert all(instructions.HELPFUL in p or instructions.UNHELPFUL in p for p in prompts)
    assert {request.temperature for request in engine.requests} == {0.6}


def test_coh_drops_identical_empty_and_repeated_pairs() -> None:
    def constant(text: str, random: np.random.Generator) -> tuple[str, float]:
        return ("bad" if "unhelpful" in text else "good"), -0.5

    assert collect(CoH, lambda text, random: ("same", -0.5))[0].notes["identical"] == 4
    assert collect(CoH, lambda text, random: (" ", -0.5))[0].notes["unusable"] == 4
    collected, _ = collect(CoH, constant)
    assert (texts(collected), collected.notes["repeated"]) == ([("good", "bad")], 3)


def test_coh_chains_put_the_loss_on_answers_only() -> None:
    collected, _ = collect(
        CoH, in_turn("good", "bad"), responses=1, rows="chains", unhelpful="-", helpful="+"
    )
    rows = {
        row.id.removeprefix("q0/0-"): (text_of(row.prompt_ids), text_of(row.response_ids), row.weight)
        for row in demonstrations(collected)
    }
    plus, minus = "Question: ?\n+\n\nAnswer:", "Question: ?\n-\n\nAnswer:"
    assert rows == {
        "good": (plus, "good", 2.0),
        "bad": (minus, "bad", 2.0),
        "after-good": (f"{plus} good\n\nQuestion: -\n\nAnswer:", "bad", 1.0),
        "after-bad": (f"{minus} bad\n\nQuestion: +\n\nAnswer:", "good", 1.0),
    }


def test_the_lab_is_steered_by_the_markers_it_has_learnt() -> None:
    options = CohOptions(**lab_preset("coh")["sampling"])
    assert (options.helpful, options.unhelpful) == (instructions.HELPFUL, instructions.UNHELPFUL)


# Self-Rewarding


def judged(scores: dict[str, list[str]], *responses: str) -> Script:
    """Says `responses` in turn; judges each by its own list of judgements, in turn."""
    waiting = list(responses)
    judgements = {response: list(said) for response, said in scores.items()}

    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        if "Judge" not in text:
            return waiting.pop(0), -0.5
        response = next(one for one in judgements if f"\n{one}\n" in text)
        return judgements[response].pop(0), -0.5

    return script


def scored(**scores: int) -> Script:
    return judged({name: [f"Score: {score}"] * 3 for name, score in scores.items()}, *scores)


def test_self_rewarding_prefers_the_best_to_the_worst_mean() -> None:
    script = judged(
        {
            "one": ["Score: 3", "Score: 4", "Score: 3"],
            "two": ["Score: 5", "no idea", "Score: 11"],  # 5: only the valid judgement counts
            "three": ["Score: 1", "Score: 2", "1. Score: 5\n2. Score: 0"],
            "four": ["?", "?", "?"],  # never judged: dropped
        },
        *("one", "two", "three", "four"),
    )
    collected, engine = collect(SelfRewarding, script)
    assert texts(collected) == [("two", "three")]
    assert collected.notes["invalid_judgements"] == 5
    assert collected.notes["unjudged_responses"] == 1
    assert collected.trace[1] == {"response": "two", "scores": [5.0, None, None]}
    assert len(engine.requests) == 4 + 4 * 3
    assert {(request.temperature, request.top_p) for request in engine.requests} == {(0.7, 0.9)}
    row = pairs(collected)[0]
    assert row.reference_chosen_logp == pytest.approx(-0.5 * len(row.chosen_ids))


def test_self_rewarding_drops_ties_and_what_cannot_be_compared() -> None:
    assert collect(SelfRewarding, scored(a=4, b=4, c=4, d=4))[0].notes["ties"] == 1
    unjudged = judged({"a": ["Score: 4"] * 3, "b": ["hm"] * 3}, "a", "b")
    assert collect(SelfRewarding, unjudged, responses=2)[0].notes["too_few_judged"] == 1
    same, engine = collect(SelfRewarding, in_turn("a", "a", "a", "a"))
    assert same.notes == {"too_few_responses": 1}
    assert len(engine.requests) == 4, "nothing was judged"


def test_self_rewarding_pairs_by_gap_keep_to_the_budget() -> None:
    collected, _ = collect(SelfRewarding, scored(a=5, b=3, c=3, d=0), pairs="all_by_gap")
    assert texts(collected) == [("a", "d"), ("b", "d"), ("c", "d"), ("a", "b")]
    wide, _ = collect(SelfRewarding, scored(a=5, b=3, c=3, d=0), pairs="all_by_gap", min_gap=3)
    assert texts(wide) == [("a", "d"), ("b", "d"), ("c", "d")]
    level, _ = collect(SelfRewarding, scored(a=2, b=2, c=2, d=2), pairs="all_by_gap", min_gap=0)
    assert level.notes["ties"] == 1


def test_judging_is_counted_apart() -> None:
    import asyncio

    from genius_bench.sampling.policy import Policy
    from tests.sampling.scripted import ScriptedEngine

    policy = Policy(ScriptedEngine(scored(a=5, b=3)), 0)
    asyncio.run(SelfRewarding(SelfRewarding.Options(responses=2)).collect(ask(), policy))
    counts = policy.take_counts()
    assert counts["tokens_sampled"] == 2 * len("a\x01")
    assert counts["tokens_judged"] == 6 * len("Score: 5\x01")
    assert policy.take_counts() == {}


# ScPO


def test_scpo_prefers_the_most_voted_answer_weighted_by_its_margin() -> None:
    said = [f"So the answer is {answer}." for answer in (3, 3, 3, 3, 3, 4, 4, 5)]
    collected, engine = collect(ScPO, in_turn(*said))
    row = pairs(collected)[0]
    assert texts(collected) == [("So the answer is 3.", "So the answer is 5.")]
    assert row.weight == (5 - 1) / 8
    assert row.reference_rejected_logp == pytest.approx(-0.5 * len(row.rejected_ids))
    assert {(request.temperature, request.top_p) for request in engine.requests} == {(0.7, 0.9)}
    assert [group["votes"] for group in collected.trace] == [5, 2, 1]


def votes(*answers: Any) -> Script:
    return in_turn(*(f"The answer is {answer}." for answer in answers))


def test_scpo_skips_ties_and_weak_majorities() -> None:
    assert collect(ScPO, votes(1, 1, 1, 1, 2, 2, 2, 2))[0].notes == {"no_winner": 1}
    assert collect(ScPO, votes(1, 1, 1, 2, 2, 3, 4, 5))[0].notes == {"too_few_votes": 1}
    five = (1, 1, 1, 1, 1, 2, 3, 4)
    assert collect(ScPO, votes(*five), iteration=1)[0].rows
    assert collect(ScPO, votes(*five), iteration=2)[0].notes == {"too_few_votes": 1}, "τ is 0.7k then"
    assert collect(ScPO, votes(*five), iteration=7, vote_shares=(0.7, 0.5))[0].rows


def test_scpo_counts_unfinished_responses_against_the_majority() -> None:
    """k is how many were asked, not how many came to an end."""
    said = in_turn(*["#### 1"] * 3, "#### 2", *["and so on and on"] * 4)
    assert collect(ScPO, said, max_tokens=7)[0].notes == {"too_few_votes": 1}


def test_scpo_draws_hotter_losers_when_all_agree() -> None:
    collected, engine = collect(ScPO, votes(*[1] * 8, *[1, 1, 2, 2, 2, 2, 2, 2]))
    assert texts(collected) == [("The answer is 1.", "The answer is 2.")]
    assert pairs(collected)[0].weight == 1.0, "the hot responses have no vote"
    assert [request.temperature for request in engine.requests] == [0.7] * 8 + [1.2] * 8
    assert collect(ScPO, votes(*[1] * 16))[0].notes == {"unanimous": 1}
    assert collect(ScPO, votes(*[1] * 8), hot_pool="never")[0].notes == {"unanimous": 1}


def test_scpo_can_always_draw_hotter_losers() -> None:
    collected, _ = collect(ScPO, votes(*[1] * 7, 2, *[1] * 7, 3), hot_pool="always")
    assert texts(collected) == [("The answer is 1.", "The answer is 3.")], "3 has fewer votes than 2"
    assert pairs(collected)[0].weight == 7 / 8


def test_scpo_clusters_open_ended_responses_and_prefers_the_most_typical() -> None:
    walk = "Take a long walk in the green park with your dog today."
    alike = [walk.replace("green", word) for word in ("green", "small", "big", "nice")]
    said = [*alike, walk, "Sleep eight hours.", "Read books instead.", "Cook something."]
    collected, _ = collect(ScPO, in_turn(*said))
    chosen, rejected = texts(collected)[0]
    assert chosen == walk
    assert rejected in said[5:]
    assert pairs(collected)[0].weight == (5 - 1) / 8


def test_scpo_rejects_at_random_among_the_least_voted() -> None:
    seen = {
        texts(collect(ScPO, votes(*[1] * 5, 2, 3, 4), ask(number=number))[0])[0][1] for number in range(40)
    }
    assert seen == {f"The answer is {answer}." for answer in (2, 3, 4)}


# SPIN


def test_spin_prefers_the_reference_to_its_own_response() -> None:
    collected, engine = collect(SPIN, any_answer, ask(reference="Four."))
    row = pairs(collected)[0]
    assert text_of(row.chosen_ids) == " Four."
    assert row.chosen_ids[-1] == row.rejected_ids[-1] == 1
    assert text_of(row.rejected_ids).startswith("The answer is")
    assert row.reference_chosen_logp is None
    assert (engine.requests[0].temperature, engine.requests[0].top_p) == (1.0, 1.0)


def test_spin_has_nothing_to_learn_where_it_plays_perfectly() -> None:
    collected, _ = collect(SPIN, in_turn(" Four."), ask(reference="Four."))
    assert (collected.rows, collected.notes["as_labelled"]) == ([], 1)


def test_spin_changes_beta_and_learning_rate_by_iteration() -> None:
    resolved = resolve({"method": "spin", "model": "other"})
    settings = [resolved.settings_of(iteration) for iteration in range(1, resolved.method.iterations + 1)]
    assert [objective.model_dump()["beta"] for objective, _ in settings] == pytest.approx(
        [0.1, 0.1, 0.1, 5.0]
    )
    assert [training.learning_rate for _, training in settings] == pytest.approx([5e-7, 5e-7, 1e-7, 1e-7])
    assert {training.reference for _, training in settings} == {"recompute"}


def test_spins_schedule_follows_what_was_asked_for() -> None:
    resolved = resolve({"method": "spin", "training": {"learning_rate": 1e-4}, "objective": {"beta": 0.2}})
    objective, training = resolved.settings_of(4)
    assert objective.model_dump()["beta"] == pytest.approx(10.0)
    assert training.learning_rate == pytest.approx(2e-5)
    other, training = resolve({"method": "spin", "objective": {"name": "sft"}}).settings_of(4)
    assert other.name == "sft", "another objective's parameters stay as they are"
    flat = SPIN(SpinOptions(beta_factors=(1.0,), learning_rate_factors=(1.0,)))
    assert flat.factors_of(4) == {"objective": {"beta": 1.0}, "training": {"learning_rate": 1.0}}


# Placebo


def test_the_placebo_prefers_without_looking_at_what_is_said() -> None:
    """Right and wrong answers change places: the same two responses are a pair."""
    said = [f"So {number} it is. The answer is {number % 2}." for number in range(8)]
    other = [f"So {number} it is. The answer is {1 - number % 2}." for number in range(8)]
    orders = []
    for seed in range(40):
        [row], [twin] = (
            texts(collect(Placebo, in_turn(*answers), seed=seed)[0]) for answers in (said, other)
        )
        places = tuple(said.index(text) for text in row)
        assert places == tuple(other.index(text) for text in twin)
        assert places[0] != places[1]
        orders.append(places)
    assert 10 < sum(chosen < rejected for chosen, rejected in orders) < 30
    assert len(set(orders)) > 20


def test_the_placebo_by_length_prefers_the_shortest() -> None:
    said = ["a longer answer", "short", "the longest of all answers", "short"] * 2
    collected, _ = collect(Placebo, in_turn(*said), selection="length")
    assert texts(collected) == [("short", "the longest of all answers")]
    assert collect(Placebo, in_turn(*["abc", "def"] * 4), selection="length")[0].notes == {"equally_long": 1}
    assert collect(Placebo, in_turn(*["abc"] * 8))[0].notes == {"no_contrast": 1}


def test_the_placebo_imitates_all_that_came_to_an_end() -> None:
    collected, _ = collect(Placebo, in_turn("one", "two", "", "two"), selection="all", responses=4)
    assert imitated(collected) == ["one", "two", "two"]
    assert collected.notes == {"unusable": 1}


# All of them

METHODS: dict[str, Any] = {
    "star": STaR,
    "coh": CoH,
    "self-rewarding": SelfRewarding,
    "scpo": ScPO,
    "spin": SPIN,
    "sft": SFT,
    "placebo": Placebo,
    "iterative-rpo": IterativeRPO,
    "dpo-st": DpoST,
    "crest": CREST,
    "sharpening": Sharpening,
    "certainty": Certainty,
    "lmsi": LMSI,
    "rest-em": RestEM,
    "self-explore": SelfExplore,
    "meta-rewarding": MetaRewarding,
}


@pytest.mark.parametrize(("name", "method"), METHODS.items())
def test_every_variant_resolves_on_the_lab_and_elsewhere(name: str, method: Any) -> None:
    for variant in method.variants:
        for model in ("lab", "other"):
            resolved = resolve({"method": name, "variant": variant, "model": model})
            assert isinstance(resolved.method, method)
            resolved.settings_of(1)


def test_supervised_methods_declare_what_they_need() -> None:
    assert {name: set(method(method.Options()).needs) for name, method in METHODS.items()} == {
        "star": set(),
        "coh": set(),
        "self-rewarding": set(),
        "scpo": set(),
        "spin": {"references"},
        "sft": {"references"},
        "placebo": set(),
        "iterative-rpo": {"answers"},
        "dpo-st": {"answers", "references"},
        "crest": {"answers"},
        "sharpening": set(),
        "certainty": set(),
        "lmsi": set(),
        "rest-em": {"answers"},
        "self-explore": {"answers"},
        "meta-rewarding": set(),
    }


@pytest.mark.parametrize(
    "method", [STaR, CoH, SelfRewarding, ScPO, Placebo, Sharpening, Certainty, LMSI, MetaRewarding]
)
def test_unsupervised_methods_see_no_label(method: Any) -> None:
    """The same rows with and without labels in the query."""

    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        return f"Score: {random.integers(6)}\nThe answer is {random.integers(2)}.", -0.5

    labelled, _ = collect(method, script, ask(reference="r", answer="1"))
    assert labelled == collect(method, script, ask())[0]
    assert any(collect(method, script, ask(number=number))[0].rows for number in range(10))


@pytest.mark.parametrize("method", METHODS.values())
def test_rows_have_ids_of_their_own_and_come_again(method: Any) -> None:
    query = ask(reference="The answer is 9.", answer="9")
    first, again = (collect(method, steerable, query, seed=3)[0] for _ in range(2))
    assert first == again
    assert len({row.id for row in first.rows}) == len(first.rows)


def test_equal_settings_draw_the_same_responses_whatever_the_method() -> None:
    settings: dict[str, Any] = {"responses": 4, "temperature": 0.8, "top_p": 0.95}
    drawn = []
    for method in (STaR, SelfRewarding, ScPO, SPIN):
        _, engine = collect(method, any_answer, ask(reference="r"), **settings)
        drawn.append([request.seed for request in engine.requests[:4]])
    assert len({tuple(seeds) for seeds in drawn}) == 1
    _, more = collect(ScPO, any_answer, **{**settings, "responses": 8})
    assert [request.seed for request in more.requests[:4]] == drawn[0], "a larger k begins with the smaller"
    _, hotter = collect(STaR, any_answer, **{**settings, "temperature": 0.9})
    assert not {request.seed for request in hotter.requests} & set(drawn[0])
    assert imitated(collect(STaR, any_answer, **settings)[0]) == imitated(
        collect(STaR, any_answer, **settings)[0]
    )


def test_scpo_weighs_by_all_that_were_drawn_the_unfinished_too() -> None:
    """w = (V(y⁺) − V(y⁻))/k: five say 7, one says 1, and two of the eight do not end."""
    said = ["The answer is 7."] * 5 + ["The answer is 1."] + ["on and on " * 9] * 2
    collected, _ = collect(ScPO, in_turn(*said), max_tokens=40)
    [row] = collected.rows
    assert row.weight == (5 - 1) / 8
