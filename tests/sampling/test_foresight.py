"""Foresight re-sampling against a policy with known probabilities: Eqs. 1-6 and every option that changes them."""

import asyncio
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import InputError
from genius_bench.method import Collected
from genius_bench.rows import Message, PreferencePair, Query
from genius_bench.sampling.choice import foresight_distribution, highest, next_beams
from genius_bench.sampling.foresight_options import RELEASED, ForesightOptions
from genius_bench.sampling.policy import Policy
from tests.sampling.scripted import CharacterTokenizer, Script, ScriptedEngine
from trainers.genius import Genius

STEPS = {"aa\n": -0.5, "bb\n": -0.2, "cc\n": -0.35, "dd\n": -0.1}


def four_ways(text: str, random: np.random.Generator) -> tuple[str, float]:
    """Every step is one of four letters; the look-ahead's confidence is that of the last letter seen."""
    lines = text.split("Answer:")[1].split()
    confidence = STEPS[lines[-1] + "\n"] if lines else -0.3
    letter = random.choice(list("abcd"))
    return f"{letter * 2}\nend", confidence


def query(number: int = 0) -> Query:
    return Query(id=f"q{number}", messages=(Message(role="user", content="?"),))


def collect(
    script: Script, number: int = 0, seed: int = 0, **options: Any
) -> tuple[Collected, ScriptedEngine]:
    engine = ScriptedEngine(script)
    method = Genius(ForesightOptions(**options))
    return asyncio.run(method.collect(query(number), Policy(engine, seed))), engine


def pairs_of(collected: Collected) -> list[PreferencePair]:
    return [row for row in collected.rows if isinstance(row, PreferencePair)]


def test_schedule_is_the_papers() -> None:
    """M·N candidates a step, each with one look-ahead: 8 + 8 requests at each of 4 steps."""
    collected, engine = collect(four_ways)
    assert [len(step["candidates"]) for step in collected.trace] == [8, 8, 8, 8]
    assert len(engine.requests) == 64
    steps = [request for request in engine.requests if request.stop]
    assert {request.temperature for request in steps} == {0.6}
    assert {request.temperature for request in engine.requests if not request.stop} == {1.0}
    assert len({request.seed for request in engine.requests}) == 64
    assert len(pairs_of(collected)) == 4


@pytest.mark.parametrize("one_request", [False, True])
def test_every_request_has_the_limits_and_the_top_p_that_were_asked_for(one_request: bool) -> None:
    limits: dict[str, Any] = {"step_max_tokens": 7, "foresight_max_tokens": 11, "top_p": 0.8}
    _, engine = collect(four_ways, **limits, step_temperature=1.0 if one_request else 0.6)
    expected = {(11, 0.8)} if one_request else {(7, 0.8), (11, 0.8)}
    assert {(request.max_tokens, request.top_p) for request in engine.requests} == expected


def test_scores_advantages_and_beams_follow_the_equations() -> None:
    collected, _ = collect(four_ways)
    values = [0.0, 0.0]  # Q_0 = 0
    for step in collected.trace:
        candidates = step["candidates"]
        for candidate in candidates:
            assert candidate["score"] == pytest.approx(
                STEPS[candidate["step"]]
            )  # Eq. 1: the look-ahead alone
            assert candidate["advantage"] == pytest.approx(
                candidate["score"] - values[candidate["beam"]]
            )  # Eq. 6
        scores = np.array([candidate["score"] for candidate in candidates])
        expected = np.exp(scores / 0.1) / np.exp(scores / 0.1).sum()  # Eq. 2
        np.testing.assert_allclose([c["probability"] for c in candidates], expected)
        assert step["chosen"] == int(scores.argmax())
        assert step["rejected"] != step["chosen"]
        assert len(set(step["beams"])) == 2
        values = [candidates[i]["score"] for i in step["beams"]]  # Eq. 4


def test_pairs_hold_whole_responses_and_recorded_references() -> None:
    collected, _ = collect(four_ways)
    for pair, step in zip(pairs_of(collected), collected.trace, strict=True):
        chosen = step["candidates"][step["chosen"]]
        text = "".join(chr(token) for token in pair.chosen_ids)
        assert text.endswith(chosen["step"] + chosen["foresight"] + "\x01"), (
            "the end of sequence is part of it"
        )
        assert pair.chosen_advantage == chosen["advantage"]
        assert pair.reference_chosen_logp is not None
        # The response's own tokens, under the script: steps at −0.3 or the letter's confidence, look-ahead at f.
        assert pair.reference_chosen_logp < len(chosen["foresight"]) * chosen["score"]
        assert "".join(map(chr, pair.prompt_ids)) == "Question: ?\n\nAnswer:"


def test_selection_frequencies_match_eqs_2_to_5() -> None:
    """Chi-square: beams by draws from F, successive or independent, and rejected from F without the best."""
    scores, tau, runs = [-0.5, -0.2, -0.35, -0.1], 0.1, 6000
    odds = [math.exp(score / tau) for score in scores]
    f = [one / sum(odds) for one in odds]
    np.testing.assert_allclose(foresight_distribution(scores, tau), f)
    pairs = [(i, j) for i in range(4) for j in range(4)]
    chances = {
        "without_replacement": {(i, j): f[i] * f[j] / (1 - f[i]) for i, j in pairs if i != j},
        "with_replacement": {(i, j): f[i] * f[j] for i, j in pairs},
    }
    random = np.random.default_rng(1)
    for how, chance in chances.items():
        options = ForesightOptions(tau=tau, beams=how)  # type: ignore[arg-type]
        drawn = Counter(tuple(next_beams(scores, options, random)) for _ in range(runs))
        wanted = np.array(list(chance.values())) * runs
        assert chisquare([drawn[cell] for cell in chance], wanted).pvalue > 1e-3

    rejected: Counter[str] = Counter()
    total: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    for number in range(1500):
        collected, _ = collect(four_ways, number, steps=1)
        step = collected.trace[0]
        best = step["candidates"][step["chosen"]] if step["chosen"] is not None else {}
        others = [
            c
            for c in step["candidates"]
            if (c["step"], c["foresight"]) != (best.get("step"), best.get("foresight"))
        ]
        if step["rejected"] is None:
            continue
        weights = np.array([np.exp(c["score"] / tau) for c in others])
        for candidate, probability in zip(others, weights / weights.sum(), strict=True):
            total[candidate["step"]] += float(probability)
        rejected[step["candidates"][step["rejected"]]["step"]] += 1
    letters = [letter for letter in total if total[letter] > 5]
    expected = np.array([total[letter] for letter in letters], dtype=float)
    counts = np.array([rejected[letter] for letter in letters], dtype=float)
    assert chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-3


def test_same_beam_pairs_have_no_calibration() -> None:
    """Derived in the facts: within one beam Q cancels and A^l − A^w = f^l − f^w ≤ 0."""
    seen = 0
    for number in range(60):
        collected, _ = collect(four_ways, number)
        for pair, step in zip(pairs_of(collected), collected.trace, strict=False):
            chosen, rejected = step["candidates"][step["chosen"]], step["candidates"][step["rejected"]]
            if chosen["beam"] == rejected["beam"] or step is collected.trace[0]:
                seen += 1
                assert pair.rejected_advantage - pair.chosen_advantage <= 1e-12
    assert seen > 50


def test_equal_temperatures_need_one_request_a_candidate() -> None:
    collected, engine = collect(four_ways, step_temperature=1.0)
    assert len(engine.requests) == 32
    assert [len(step["candidates"]) for step in collected.trace] == [8, 8, 8, 8]
    assert all(c["step"] in STEPS and c["foresight"] for step in collected.trace for c in step["candidates"])


class GoesOn(ScriptedEngine):
    """Answers what will be asked next at once."""

    async def generate(self, request: Request) -> Completion:
        first = await super().generate(request)
        if request.then is None or first.finish_reason != "stop" or not first.text.strip():
            return first
        if self.context_length and len(request.prompt_ids + first.token_ids) >= self.context_length:
            return first
        prompt = request.prompt_ids + first.token_ids
        second = await ScriptedEngine(self._script).generate(Request(prompt_ids=prompt, **vars(request.then)))
        return replace(first, then=second)


@pytest.mark.parametrize("context_length", [None, 26])
@pytest.mark.parametrize(
    "options", [{}, {"end_tag": "e"}, {"joining": "released"}, {"empty_steps": "accept"}, {"score": "step"}]
)
def test_an_engine_that_goes_on_at_once_changes_nothing(
    options: dict[str, Any], context_length: int | None
) -> None:
    """Trees, training rows and counts of tokens are those of two requests a candidate."""
    method = Genius(ForesightOptions(**options))
    for script in (four_ways, ends_in_every_way, blank_first):
        for number in range(6):
            found, asked = [], []
            for kind in (ScriptedEngine, GoesOn):
                engine = kind(script)
                engine.context_length = context_length
                policy = Policy(engine, number)
                found.append((asyncio.run(method.collect(query(), policy)), policy.take_counts()))
                asked.append(len(engine.requests))
            assert found[0] == found[1]
            assert asked[1] <= asked[0]
    if not options and context_length is None:
        assert asked[1] < 0.8 * asked[0]


def test_without_foresight_scores_the_step_and_completes_pairs_only() -> None:
    collected, engine = collect(four_ways, score="step")
    looks_ahead = [request for request in engine.requests if not request.stop]
    assert len(looks_ahead) == 2 * len(collected.trace)
    for pair in pairs_of(collected):
        assert pair.chosen_ids[-1] == pair.rejected_ids[-1] == 1
    assert collected.trace[0]["candidates"][0]["score"] == pytest.approx(-0.3)


def test_without_sampling_is_deterministic_given_scores() -> None:
    collected, _ = collect(four_ways, beams="highest", rejected="lowest")
    for step in collected.trace:
        scores = [candidate["score"] for candidate in step["candidates"]]
        assert sorted(scores, reverse=True)[:2] == [scores[i] for i in step["beams"]]
        assert scores[step["rejected"]] == min(scores)


def finishes_at_once(text: str, random: np.random.Generator) -> tuple[str, float]:
    return ("short answer", -0.4) if random.random() < 0.5 else ("think\nmore", -0.6)


def test_finished_answers_freeze_and_never_win_by_an_empty_look_ahead() -> None:
    collected, _ = collect(finishes_at_once)
    first = collected.trace[0]
    finished = [c for c in first["candidates"] if c["finished"]]
    assert finished
    assert [c["score"] for c in finished] == pytest.approx([-0.4] * len(finished))
    for before, step in zip(collected.trace, collected.trace[1:], strict=False):
        for number, kept in enumerate(before["beams"]):
            if before["candidates"][kept]["finished"]:
                own = [c for c in step["candidates"] if c["beam"] == number]
                assert len(own) == 1
                assert own[0]["advantage"] == pytest.approx(0.0)


def ends_in_every_way(text: str, random: np.random.Generator) -> tuple[str, float]:
    """Answers that end within a step, after a newline (nothing but the end left to say), or later."""
    kind = random.integers(4)
    return [("done", -0.4), ("done\n", -0.5), ("think\nmore", -0.6), ("a\nb\nc", -0.7)][kind]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"step_temperature": 1.0},
        {"score": "step"},
        {"finished": "score"},
        {"beams": "highest", "rejected": "lowest"},
    ],
)
def test_every_response_ends_exactly_once(options: dict[str, Any]) -> None:
    """One end-of-sequence token, at the end: nothing is sampled beyond it, and no beam loses it."""
    for number in range(40):
        collected, _ = collect(ends_in_every_way, number, **options)
        for pair in pairs_of(collected):
            for ids in (pair.chosen_ids, pair.rejected_ids):
                assert ids.count(1) == 1
                assert ids[-1] == 1


def test_no_look_ahead_of_nothing_is_ever_scored() -> None:
    for number in range(40):
        one_request: dict[str, Any] = {"step_temperature": 1.0}
        for options in ({}, one_request, {**one_request, "foresight_max_tokens": 3}):
            collected, _ = collect(ends_in_every_way, number, **options)
            scores = [c["score"] for step in collected.trace for c in step["candidates"]]
            assert max(scores) < -0.3


def test_a_beam_that_fills_the_context_ends_without_an_error() -> None:
    engine = ScriptedEngine(four_ways)
    engine.context_length = 26
    method = Genius(ForesightOptions())
    collected = asyncio.run(method.collect(query(), Policy(engine, 0)))
    assert all(len(request.prompt_ids) < 26 for request in engine.requests)
    assert len(collected.trace) < 4


def test_the_release_lets_empty_look_aheads_win() -> None:
    collected, _ = collect(finishes_at_once, finished="score")
    best = collected.trace[0]["candidates"][collected.trace[0]["chosen"]]
    assert best["score"] == 0.0


def nothing_to_add(text: str, random: np.random.Generator) -> tuple[str, float]:
    """After a finished answer only the end of the sequence is left, and the policy is nearly sure of it."""
    if "short answer" in text:
        return "", -0.001
    return ("short answer", -0.4) if random.random() < 0.5 else ("think\nmore", -0.6)


def test_released_joining_scores_the_end_of_the_sequence_alone() -> None:
    """The release forgets that an answer has ended, asks for more, and gets a look-ahead of about 0."""
    collected, _ = collect(nothing_to_add, joining="released", finished="score")
    best = collected.trace[0]["candidates"][collected.trace[0]["chosen"]]
    assert best["step"].strip() == "short answer"
    assert best["score"] == pytest.approx(-0.001)


def blank_first(text: str, random: np.random.Generator) -> tuple[str, float]:
    return ("\n\nreal\nend", -0.3) if text.endswith("Answer:") else ("real\nend", -0.3)


@pytest.mark.parametrize(("empty_steps", "blank"), [("continue", False), ("accept", True)])
def test_blank_steps_continue_or_count(empty_steps: str, blank: bool) -> None:
    collected, _ = collect(blank_first, empty_steps=empty_steps)
    assert any(not c["step"].strip() for c in collected.trace[0]["candidates"]) is blank


@pytest.mark.parametrize(("blanks", "step"), [(1, "\nreal\n"), (3, "\n\n\nreal\n"), (5, "\n\n\n\n")])
def test_a_step_goes_on_over_three_blank_lines(blanks: int, step: str) -> None:
    def waits(text: str, random: np.random.Generator) -> tuple[str, float]:
        return "\n" * (blanks - text.split("Answer:")[1].count("\n")) + "real\nend", -0.3

    collected, _ = collect(waits, steps=1)
    assert {candidate["step"] for candidate in collected.trace[0]["candidates"]} == {step}


def test_the_first_of_equal_scores_is_highest() -> None:
    """Equal to a ten-thousandth of a nat, which is floating-point noise of a batch."""
    assert highest([-0.30001, -0.3, -0.2995], 3) == [2, 0, 1]


def test_identical_candidates_make_no_pair() -> None:
    collected, _ = collect(lambda text, random: ("same\nend", -0.3))
    assert collected.rows == []
    assert collected.notes["no_contrast"] == 4


def test_unfinished_responses_are_dropped_and_counted() -> None:
    collected, _ = collect(four_ways, foresight_max_tokens=2)
    assert collected.rows == []
    assert collected.notes["unfinished"] == 4
    assert len(collect(four_ways, foresight_max_tokens=2, unfinished="keep")[0].rows) == 4


def test_one_unfinished_half_is_enough_to_drop_a_pair() -> None:
    """Some look-aheads run into the limit, some end: a pair is kept where both have, however it was chosen."""

    def rambles_or_ends(text: str, random: np.random.Generator) -> tuple[str, float]:
        long = random.random() < 0.5
        return f"{random.integers(1000)}\n{'on' * 9 if long else 'end'}", random.uniform(-1, -0.1)

    halves: Counter[int] = Counter()
    for number in range(40):
        collected, _ = collect(rambles_or_ends, number, foresight_max_tokens=12)
        kept = {int(pair.id.split("-")[-1]) - 1 for pair in pairs_of(collected)}
        for k, step in enumerate(collected.trace):
            ahead = [step["candidates"][step[role]]["foresight"] for role in ("chosen", "rejected")]
            complete = sum(text.endswith("end") for text in ahead)
            halves[complete] += 1
            assert (k in kept) == (complete == 2)
    assert min(halves[0], halves[1], halves[2]) > 10


@pytest.mark.parametrize(
    ("options", "lost"),
    [({}, "ended_early"), ({"foresight_max_tokens": 6}, "unfinished"), ({"beams": "highest"}, "repeated")],
)
def test_every_step_becomes_a_pair_or_is_counted(options: dict[str, Any], lost: str) -> None:
    """Also those that are not taken, because every answer had ended before."""
    counts: Counter[str] = Counter()
    for number in range(40):
        collected, _ = collect(ends_in_every_way, number, **options)
        assert len(collected.rows) + sum(collected.notes.values()) == 4
        assert collected.notes["ended_early"] == 4 - len(collected.trace)
        counts.update(collected.notes)
    assert counts[lost] > 5


def test_steps_that_the_context_has_no_room_for_are_counted() -> None:
    engine = ScriptedEngine(four_ways)
    engine.context_length = 26
    collected = asyncio.run(Genius(ForesightOptions()).collect(query(), Policy(engine, 0)))
    assert collected.notes["no_room"] == 4 - len(collected.trace) > 0
    assert len(collected.rows) + sum(collected.notes.values()) == 4


def test_the_same_seed_draws_the_same_tree_and_another_does_not() -> None:
    assert collect(four_ways, 3)[0] == collect(four_ways, 3)[0]
    assert collect(four_ways, 3, seed=1)[0] != collect(four_ways, 3)[0]


def test_released_joining_retokenises_and_drops_recorded_references() -> None:
    collected, _ = collect(four_ways, joining="released", training_context="response_only")
    for pair in pairs_of(collected):
        assert pair.reference_chosen_logp is None
        assert "Question" not in "".join(map(chr, pair.prompt_ids + pair.chosen_ids))


class MergingTokenizer(CharacterTokenizer):
    """Two newlines are one token, as in most vocabularies, so that a text is not the sum of its parts. Character 1 ends
    a turn; character 2 begins a sequence, put there by the template and by the tokenizer."""

    bos_token_id: Any = 2
    chat_template: Any = "below"

    def __call__(self, text: str, add_special_tokens: bool = True, verbose: bool = True) -> Any:
        return super().__call__("\x02" * add_special_tokens + text.replace("\n\n", "\x03"))

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return super().decode([token for token in ids if token != 2]).replace("\x03", "\n\n")

    def apply_chat_template(self, messages: Any, tokenize: bool, add_generation_prompt: bool = False) -> str:
        turns = "".join(f"<{message['role']}>{message['content']}\x01" for message in messages)
        return f"\x02{turns}{'<assistant>' * add_generation_prompt}"


def untidy(text: str, random: np.random.Generator) -> tuple[str, float]:
    """Steps and look-aheads with blanks around them; some are empty, some end with the tag."""
    step = ["", " a ", "bb", f" {random.integers(9)} c\t"][random.integers(4)]
    rest = [" so\n\nit ends \n", "done <end_of_reasoning> and more", ""][random.integers(3)]
    return f"{step}\n{rest}", random.uniform(-0.9, -0.1)


@pytest.mark.parametrize("rendering", ["released", "template"])
def test_the_release_sends_one_text_and_asks_for_look_aheads_after_another(rendering: str) -> None:
    """Its sampler by the letter: L18–24 the prompt, L91 before a look-ahead, L108 what is stored, L121 before steps."""
    released = RELEASED["sampling"] | {"rendering": rendering}
    for number in range(6):
        engine = ScriptedEngine(untidy)
        engine.tokenizer = tokenizer = MergingTokenizer()
        method = Genius(ForesightOptions(**released))
        collected = asyncio.run(method.collect(query(number), Policy(engine, 0)))
        head = {"released": "\x02<user>?<assistant>", "template": "<user>?\x01<assistant>"}[rendering]
        beams, steps, looks, stored = ["The reasoning steps are:\n\n"] * 2, [], [], []
        for step in collected.trace:
            candidates = [
                (beams[c["beam"]], c["step"].strip(), c["foresight"].strip()) for c in step["candidates"]
            ]
            steps += [head + beam for beam in beams for _ in range(4)]
            looks += [f"{head}{prefix}\n{text}" for prefix, text, _ in candidates]
            stored += [f"{prefix}{text}\n{ahead}" for prefix, text, ahead in candidates]
            beams = [f"{candidates[kept][0]}{candidates[kept][1]}\n" for kept in step["beams"]]
        assert len(collected.trace) == 4
        asked = [
            Counter(r.prompt_ids for r in engine.requests if ("\n" in r.stop) is stepwise)
            for stepwise in (True, False)
        ]
        assert asked == [
            Counter(tuple(tokenizer(text)["input_ids"]) for text in texts) for texts in (steps, looks)
        ]
        messages = [tuple(tokenizer(f"\x02<assistant>{text}\x01", False)["input_ids"]) for text in stored]
        for pair in pairs_of(collected):
            assert {pair.prompt_ids + pair.chosen_ids, pair.prompt_ids + pair.rejected_ids} <= set(messages)
        assert not any("end_of_reasoning" in text for text in stored)


def test_a_template_that_refuses_an_answer_alone_is_told_with_the_option_that_wants_it() -> None:
    class Strict(MergingTokenizer):
        def apply_chat_template(
            self, messages: Any, tokenize: bool, add_generation_prompt: bool = False
        ) -> str:
            if messages[0]["role"] != "user":
                raise ValueError("roles must alternate user/assistant")
            return super().apply_chat_template(messages, tokenize, add_generation_prompt)

    engine = ScriptedEngine(untidy)
    engine.tokenizer = Strict()
    method = Genius(ForesightOptions(**RELEASED["sampling"]))
    with pytest.raises(
        InputError, match=r"^sampling.training_context = 'response_only': .*roles must alternate"
    ):
        asyncio.run(method.collect(query(), Policy(engine, 0)))
