"""DPO-ST: phases in turn, solutions pooled by phase, pairs of the least alike."""

from collections.abc import Sequence
from typing import Any

from genius_bench.method import Collected
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, PreferencePair
from genius_bench.sampling.alikeness import alikeness, unlike
from tests.trainers.support import ask, collect, in_turn, text_of
from trainers.dpo_st import DpoST

GOLD = "3 + 4 = 7"
QUERY = ask(reference=GOLD, answer="7")


def at(iteration: int, *said: str, earlier: Sequence[Collected] = (), **options: Any) -> Collected:
    counts: dict[str, Any] = {"responses": len(said), "solutions": len(said)} if said else {}
    return collect(
        DpoST,
        in_turn(*said),
        QUERY,
        iteration=iteration,
        earlier=earlier,
        **{"most_alike": 1.0, **counts, **options},
    )[0]


def texts(collected: Collected) -> list[str]:
    """Demonstrations, or pairs as "chosen | rejected"; without the answers' end."""
    return [
        text_of(row.response_ids).strip()
        if isinstance(row, Demonstration)
        else f"{text_of(row.chosen_ids).strip()} | {text_of(row.rejected_ids).strip()}"
        for row in collected.rows
    ]


def test_phases_alternate() -> None:
    resolved = resolve({"method": "dpo-st", "model": "other", "objective": {"beta": 0.3}})
    settings = [resolved.settings_of(iteration) for iteration in range(1, resolved.method.iterations + 1)]
    assert [objective.name for objective, _ in settings] == ["sft", *["dpo", "sft"] * 3]
    assert [resolved.method.restarts_from_base(n) for n in range(1, 8)] == [True, *[False, True] * 3]
    assert [training.learning_rate for _, training in settings] == [2e-6, *[5e-7, 2e-6] * 3]
    assert {objective.model_dump().get("beta") for objective, _ in settings} == {0.3, None}
    assert {training.reference for objective, training in settings if objective.needs_reference} == {
        "recompute"
    }
    assert resolve({"method": "dpo-st", "sampling": {"rounds": 1}}).method.iterations == 3


def test_the_first_imitator_sees_labelled_solutions_alone() -> None:
    collected, engine = collect(DpoST, in_turn(), QUERY)
    assert texts(collected) == [GOLD]
    assert engine.requests == []
    assert collect(DpoST, in_turn(), ask(reference=" ", answer="7"))[0].notes == {"blank_reference": 1}


def test_preferences_pair_the_least_alike_and_labelled_solutions_too() -> None:
    said = ("abc. The answer is 7.", "xyz. The answer is 8.", "abc. The answer is 9.")
    everything = at(2, *said, max_pairs=9)
    assert len(everything.rows) == 2 * 2
    scores = [alikeness(row.chosen_ids, row.rejected_ids) for row in everything.rows]  # type: ignore[union-attr]
    assert scores == sorted(scores)
    assert texts(at(2, *said, max_pairs=3)) == texts(everything)[:3]
    assert {pair.partition(" | ")[0] for pair in texts(everything)} == {GOLD, said[0]}
    assert all(
        isinstance(row, PreferencePair) and row.reference_chosen_logp is None for row in everything.rows
    )
    assert at(2, said[0]).notes["never_wrong"] == 1
    assert at(2, said[1]).rows, "the labelled solution is right where none else is"


def test_solutions_that_are_too_alike_count_once() -> None:
    """Jaccard of the tokens that are used, beyond 0.7 the second is left out; the labelled solution comes first."""
    assert alikeness((1, 2, 3), (3, 2, 4)) == 2 / 4
    assert unlike([(1, 2, 3), (1, 2, 3, 4), (5,), (1, 2, 9)], 0.7) == [(1, 2, 3), (5,), (1, 2, 9)]
    said = ("The answer is 7.", "So the answer is 7.", "zq uvw: 7 kgb! The answer is 7.")
    assert texts(at(3, *said, most_alike=0.7)) == [GOLD, said[1], said[2]], "sorted"
    assert texts(at(3, *said)) == [GOLD, *sorted(said)]


def test_each_phase_pools_what_its_kind_has_drawn_before() -> None:
    made = [at(1)]
    made.append(at(2, "a. The answer is 7.", "b. The answer is 8."))
    made.append(at(3, "c. The answer is 7.", "d. The answer is 8.", earlier=made))
    made.append(at(4, "e. The answer is 7.", "f. The answer is 9.", earlier=made, max_pairs=99))
    made.append(at(5, "g. The answer is 7.", "c. The answer is 7.", earlier=made))
    assert [text[0] for text in texts(made[2])] == ["3", "c"]
    halves = [text.split(" | ") for text in texts(made[3])]
    assert {chosen[0] for chosen, _ in halves} == {"3", "a", "e"}
    assert {rejected[0] for _, rejected in halves} == {"b", "f"}
    assert [text[0] for text in texts(made[4])] == ["3", "c", "g"]
    assert len({row.id for row in made[3].rows}) == len(made[3].rows)


def test_sampled_solutions_end_like_labelled_ones() -> None:
    [row] = at(2, "b. The answer is 8.").rows
    assert isinstance(row, PreferencePair)
    assert row.chosen_ids[-1] == row.rejected_ids[-1] == 1
