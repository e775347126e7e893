"""Boards with what every model was asked beside their own settings: from runs and scores on disk."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from genius_bench.artifacts import Build, Identity, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.controls import choosing_half
from genius_bench.evaluation.metrics import scores_of
from genius_bench.evaluation.scores import write_scores
from genius_bench.layers import validate
from genius_bench.recipe import EvaluationSection
from genius_bench.reporting.board import Board, build_board
from genius_bench.reporting.control_tables import in_words
from genius_bench.reporting.curves import GREEDY
from genius_bench.reporting.legend import legend
from genius_bench.reporting.terminal import show_board
from genius_bench.runs import Evaluation, Run, write_run
from genius_bench.statistics import suite_difference
from tests.reporting.test_board import SETTINGS

CONTROL = {"greedy": False, "samples": 1}


def answered(
    store: Store,
    model: str,
    task: str,
    right: np.ndarray,
    settings: dict[str, Any],
    *,
    greedy: bool = False,
    control: bool = False,
    items: str = "",
    graded: bool = True,
) -> Evaluation:
    """An evaluation in which a model was right as told, [items, answers]; the first answer is a greedy one or not."""
    samples = right.shape[1] - greedy
    rows = [
        {
            "item_id": f"{items or task}-{item}",
            "repeat": repeat + (not greedy),
            "correct": bool(value),
            "released_correct": False,
            **dict.fromkeys(
                ("format_failure", "truncated", "empty", "error", "ungraded", "any_failure"), False
            ),
            "vote": "",
            "slices": [f"level {item % 2}"],
        }
        for (item, repeat), value in np.ndenumerate(right)
    ]
    details = {"samples": samples, "generations": "-"}

    def produce(build: Build) -> None:
        build.write_shard(rows)
        write_scores(build, scores_of(task, rows, details, graded=graded))

    made_for = {"task": task, "of": f"{model} {settings} {items}"}
    key = store.make(Identity(kind="scores", version=1, parameters=made_for), produce).key
    settings = SETTINGS | settings
    return Evaluation(model=model, fingerprint=model, settings=settings, scores={task: key}, control=control)


def trained(home: Path, name: str, evaluations: list[Evaluation], base: str = "base", **recipe: Any) -> None:
    """A run that has made the model `name` from a base."""
    checkpoint = {"iteration": "1", "fingerprint": name, "path": "p", "training_set": "", "key": ""}
    about = {"method": "genius", "variant": "paper", "seed": 0, "objective": {"name": "aco"}} | recipe
    run = Run(
        id=name,
        recipe=about,
        base=base,
        base_fingerprint=base,
        checkpoints=[checkpoint],
        evaluations=evaluations,
    )
    write_run(home, run)


def verdicts(random: np.random.Generator, chance: float, answers: int, items: int = 100) -> np.ndarray:
    return random.random((items, answers)) < chance


def words_of(board: Board) -> str:
    return " ".join(in_words(board))


def test_luck_makes_a_difference_less_certain_and_never_more() -> None:
    random = np.random.default_rng(0)
    a, b = ([[{str(i): float(x) for i, x in enumerate(random.random(60).round())}]] for _ in range(2))
    p_values = [suite_difference(a, b, luck).p_value for luck in (0.0, 0.02, 0.05, 0.2)]
    assert p_values == sorted(p_values)
    for luck in (0.0, 0.05):
        found = suite_difference(a, b, luck)
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_half_of_the_items_is_left_to_be_reported_however_few_there_are() -> None:
    assert choosing_half(["alone"]) == frozenset()
    for count in (2, 3, 50):
        items = [f"item {number}" for number in range(count)]
        assert len(choosing_half(items)) == count // 2
        assert choosing_half(reversed(items)) == choosing_half(items)


@pytest.mark.parametrize("coverage", [8, 48])
def test_coverage_that_no_board_could_tell_of_is_refused(coverage: int) -> None:
    with pytest.raises(InputError, match=f"{coverage} is neither 0 nor a power of two from 16 on"):
        validate(EvaluationSection, {"coverage": coverage}, "evaluation")


def test_a_board_of_greedy_answers_has_a_control_too(tmp_path: Path) -> None:
    random, store = np.random.default_rng(1), Store(tmp_path)
    evaluations = []
    for name, greedy, cool in (("base", 0.3, 0.7), ("model", 0.7, 0.7)):
        evaluations += [
            answered(store, name, "one", verdicts(random, greedy, 1), {"samples": 0}, greedy=True),
            answered(
                store, name, "one", verdicts(random, cool, 1), CONTROL | {"temperature": 0.5}, control=True
            ),
        ]
    trained(tmp_path, "model", evaluations)
    board = build_board(tmp_path)
    assert [row.label for row in board.rows] == ["base (base)", "base, T=0.5", "genius seed 0"]
    assert board.rows[0].sharpening
    assert set(board.rows[0].sharpening.curve) == {GREEDY, 0.5}
    assert board.rows[1].average_gain
    assert board.rows[1].average_gain.low > 0.1
    found = board.rows[2].sharpening
    assert found
    assert found.beyond
    assert found.beyond.low < 0 < found.beyond.high


def test_only_the_boards_own_tuning_items_choose_a_temperature(tmp_path: Path) -> None:
    """A sweep of somebody's own on more tuning items, on which T=0.3 is best, lies in the same home."""
    random, store = np.random.default_rng(2), Store(tmp_path)
    cool, task = CONTROL | {"temperature": 0.3}, "lab_words"
    evaluations = [
        answered(store, "base", task, verdicts(random, 0.5, 3), {}, greedy=True),
        answered(store, "base", task, verdicts(random, 0.5, 1), cool, control=True),
    ]
    tuned: list[tuple[dict[str, Any], float, float]] = [
        ({"split": "tuning", "limit": 50}, 0.9, 0.1),
        ({"split": "tuning", "limit": 200}, 0.1, 0.9),
    ]
    for asked, warm_chance, cool_chance in tuned:
        n = asked["limit"]
        warm = asked | {"samples": 1}
        evaluations += [
            answered(store, "base", task, verdicts(random, 0, 2, n), warm, greedy=True, items=f"tuning {n}"),
            answered(store, "base", task, verdicts(random, warm_chance, 1, n), warm | {"greedy": False}),
            answered(store, "base", task, verdicts(random, cool_chance, 1, n), cool | asked),
        ]
    write_run(tmp_path, Run(id="eval", evaluations=evaluations))
    [lab, control] = build_board(tmp_path, settings=SETTINGS).rows
    assert lab.sharpening
    assert lab.sharpening.best == (1.0,)
    assert control.label.endswith(", T=1")
    assert control.cells["lab_words"] == pytest.approx(lab.cells["lab_words"]), "of as many answers"


def test_every_base_is_spoken_of_by_itself(tmp_path: Path) -> None:
    random, store = np.random.default_rng(3), Store(tmp_path)
    for seed, (base, cool, after) in enumerate((("small", 0.6, 0.95), ("large", 0.9, 0.9))):
        model = f"from {base}"
        evaluations = []
        for name, warm, cooler in ((base, 0.4, cool), (model, after, after)):
            evaluations += [
                answered(store, name, "one", verdicts(random, warm, 3), {}, greedy=True),
                answered(store, name, "one", verdicts(random, cooler, 1), CONTROL | {"temperature": 0.5}),
            ]
        trained(tmp_path, model, evaluations, base=base, seed=seed)
    said = words_of(build_board(tmp_path, settings=SETTINGS))
    assert "Better than the base at its best (small, T=0.5): genius seed 0." in said
    assert "Not to be told from the base at its best (large, T=0.5): genius seed 1." in said
    assert said.count("For nothing") == 2


def test_coverage_by_hand(tmp_path: Path) -> None:
    """Sixteen samples of three questions: solved in 16, 8 and 0 of them before, and in 8, 8 and 1 after."""
    store, random = Store(tmp_path), np.random.default_rng(4)

    def of(*right: int, samples: int = 16) -> np.ndarray:
        return np.array([[number < count for number in range(samples)] for count in right])

    many, more = ({"greedy": False, "limit": 3, "samples": count} for count in (16, 32))
    own = {name: verdicts(random, 0.5, 3, 3) for name in ("base", "model")}
    evaluations = [
        *(answered(store, name, "one", own[name], {}, greedy=True) for name in own),
        answered(store, "base", "one", of(16, 8, 0), many),
        answered(store, "base", "one", of(32, 32, 32, samples=32), more),  # as often the model was not asked
        answered(store, "model", "one", of(8, 8, 1), many),
    ]
    trained(tmp_path, "model", evaluations)
    base, model = build_board(tmp_path, settings=SETTINGS).rows
    assert base.coverage
    assert (base.coverage.samples, base.coverage.gained) == (32, None)
    found = model.coverage
    assert found
    assert (found.samples, found.questions, found.gained, found.lost) == (16, 3, 1, 0)
    # 1 − C(n−c, k)/C(n, k): of eight right ones among sixteen, 1 − (8·7)/(16·15) at k = 2.
    assert found.pass_at[1].value == pytest.approx((0.5 + 0.5 + 1 / 16) / 3)
    assert found.pass_at[2].value == pytest.approx((2 * (1 - 56 / 240) + 2 / 16) / 3)
    assert found.pass_at[16].value == pytest.approx(1.0)
    assert found.crossing == 1, "(1 + 1/2 + 0) / 3 is more"


def test_seeds_are_covered_as_far_as_all_were_sampled(tmp_path: Path) -> None:
    store, random = Store(tmp_path), np.random.default_rng(5)
    base = answered(store, "base", "one", verdicts(random, 0.5, 3), {}, greedy=True)
    for seed, counts in enumerate(((16, 64), (16,))):
        name = f"seed-{seed}"
        often = [
            answered(
                store, name, "one", verdicts(random, 0.5, k), {"greedy": False, "samples": k, "limit": 100}
            )
            for k in counts
        ]
        own = answered(store, name, "one", verdicts(random, 0.5, 3), {}, greedy=True)
        trained(tmp_path, name, [base, own, *often], seed=seed)
    [*_, means] = build_board(tmp_path, settings=SETTINGS).rows
    assert means.seeds == 2
    assert means.coverage
    assert means.coverage.samples == 16


def test_the_placebo_is_that_of_the_same_queries_and_training(tmp_path: Path) -> None:
    store, random = Store(tmp_path), np.random.default_rng(6)
    base = answered(store, "base", "one", verdicts(random, 0.5, 3), {}, greedy=True)

    def train(name: str, chance: float, queries: int, rate: float, **recipe: Any) -> None:
        own = answered(store, name, "one", verdicts(random, chance, 3), {}, greedy=True)
        about: dict[str, Any] = {"corpus": {"queries": queries}, "training": {"learning_rate": rate}}
        trained(tmp_path, name, [base, own], **about, **recipe)

    train("mine", 0.9, 100, 1e-4)
    placebo = {"method": "placebo"}
    train("other queries", 0.1, 50, 1e-4, **placebo)
    over = {row.label: row.over_placebo for row in build_board(tmp_path).rows}
    assert over["genius seed 0"] is None
    train("another rate", 0.2, 100, 2e-4, **placebo)
    [mine] = [row for row in build_board(tmp_path).rows if row.label == "genius seed 0"]
    assert mine.over_placebo
    assert mine.over_placebo.difference == pytest.approx(0.7, abs=0.15), "the only one of these queries"
    train("the same rate", 0.6, 100, 1e-4, **placebo)
    [mine] = [row for row in build_board(tmp_path).rows if row.label == "genius seed 0"]
    assert mine.over_placebo
    assert mine.over_placebo.difference == pytest.approx(0.3, abs=0.15)


def test_a_base_that_was_cooled_on_other_items_has_no_control(tmp_path: Path) -> None:
    """Its task's items were fewer then: one row less, and no traceback."""
    store, random = Store(tmp_path), np.random.default_rng(7)
    cool = CONTROL | {"temperature": 0.5}
    evaluations = [
        answered(store, "base", "one", verdicts(random, 0.4, 3), {}, greedy=True),
        answered(store, "base", "one", verdicts(random, 0.9, 1, items=60), cool, control=True),
    ]
    write_run(tmp_path, Run(id="eval", evaluations=evaluations))
    assert [row.fingerprints for row in build_board(tmp_path).rows] == [("base",)]


def test_tasks_that_could_not_be_graded_are_held_against_no_placebo(tmp_path: Path) -> None:
    store, random = Store(tmp_path), np.random.default_rng(8)
    own = {
        name: answered(store, name, "one", verdicts(random, 0.5, 3), {}, greedy=True, graded=False)
        for name in ("base", "model", "placebo")
    }
    trained(tmp_path, "model", [own["base"], own["model"]], corpus={})
    trained(tmp_path, "placebo", [own["base"], own["placebo"]], corpus={}, method="placebo")
    board = build_board(tmp_path)
    assert len(board.rows) == 3
    assert {row.over_placebo for row in board.rows} == {None}


def of_kinds(store: Store, model: str, right: dict[str, list[int]], version: int = 1) -> Evaluation:
    """Greedy answers to items of two levels, right or wrong as told."""
    rows = [
        {
            "item_id": f"{level}-{number}",
            "repeat": 0,
            "correct": bool(value),
            "released_correct": False,
            **dict.fromkeys(
                ("format_failure", "truncated", "empty", "error", "ungraded", "any_failure"), False
            ),
            "vote": "",
            "slices": [level, "all of them"],
        }
        for level, values in right.items()
        for number, value in enumerate(values)
    ]

    def produce(build: Build) -> None:
        build.write_shard(rows)
        details = {"samples": 0, "task_version": version}
        write_scores(build, scores_of("one", rows, details))

    key = store.make(Identity(kind="scores", version=1, parameters={"task": "one", "of": model}), produce).key
    return Evaluation(model=model, fingerprint=model, settings=SETTINGS | {"samples": 0}, scores={"one": key})


def test_a_board_tells_levels_and_kinds_of_items_apart(tmp_path: Path) -> None:
    """Easy items come right and hard ones go wrong: the average hides what the slices show."""
    store = Store(tmp_path)
    base = of_kinds(store, "base", {"level 1": [0] * 30 + [1] * 10, "level 2": [1] * 30 + [0] * 10})
    model = of_kinds(store, "model", {"level 1": [1] * 40, "level 2": [0] * 40})
    trained(tmp_path, "model", [base, model])
    board = build_board(tmp_path)
    _, row = board.rows
    assert row.average_gain
    assert row.average_gain.difference == 0
    assert {name: one.value.value for name, one in row.slices.items()} == {
        "all of them": 0.5,
        "level 1": 1.0,
        "level 2": 0.0,
    }
    gains = {name: one.gain.difference for name, one in row.slices.items() if one.gain}
    assert gains == {"all of them": 0, "level 1": pytest.approx(0.75), "level 2": pytest.approx(-0.75)}
    stream = io.StringIO()
    show_board(board, Console(file=stream, width=80))
    assert "100.0▲" in stream.getvalue()
    assert "0.0▼" in stream.getvalue()


def test_the_control_has_levels_and_kinds_too(tmp_path: Path) -> None:
    """On the half of the items that is reported, by hand: odd ones gain at the lower temperature, even ones lose."""
    store, items = Store(tmp_path), np.arange(100)
    hot, cool = (np.array([even, odd])[items % 2][:, None] for even, odd in ((True, False), (False, True)))
    cool[:20] = True
    evaluations = [
        answered(store, "base", "one", hot, {"samples": 1}),
        answered(store, "base", "one", cool, CONTROL | {"temperature": 0.5}, control=True),
    ]
    trained(tmp_path, "model", evaluations)
    board = build_board(tmp_path)
    control, stream = board.rows[1], io.StringIO()
    assert control.is_control
    show_board(board, Console(file=stream, width=80))
    shown = stream.getvalue().partition("by kind of item")[2]
    assert f"{100 * control.slices['level 0'].value.value:.1f}" in shown.partition(control.label)[2]
    chosen_on = choosing_half(f"one-{item}" for item in items)
    left = [item for item in items if f"one-{item}" not in chosen_on]
    for level in (0, 1):
        mine = [item for item in left if item % 2 == level]
        found = control.slices[f"level {level}"]
        assert found.value.value == pytest.approx(np.mean([cool[item] for item in mine]))
        assert found.gain
        assert found.gain.difference == pytest.approx(np.mean(cool[mine]) - np.mean(hot[mine]))


def test_models_that_were_asked_an_earlier_version_of_a_task_are_named_and_not_shown(tmp_path: Path) -> None:
    store = Store(tmp_path)
    old = of_kinds(store, "old base", {"level 1": [1] * 20})
    new = of_kinds(store, "base", {"level 1": [0] * 20}, version=2)
    write_run(tmp_path, Run(id="first", evaluations=[old]))
    write_run(tmp_path, Run(id="second", evaluations=[new]))
    board = build_board(tmp_path)
    assert [row.fingerprints for row in board.rows] == [("base",)]
    assert board.outdated == ["old base"]
    assert "earlier versions of these tasks: old base." in legend(board, cost=False).plain
