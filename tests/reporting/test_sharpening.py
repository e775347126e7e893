"""What counts as beyond sharpening, on models whose truth is known: chances of answers as a function of temperature."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from genius_bench.artifacts import Store
from genius_bench.evaluation.controls import choosing_half, controls_of
from genius_bench.recipe import EvaluationSection
from genius_bench.reporting.board import build_board
from genius_bench.reporting.coverage import changes_of
from genius_bench.reporting.curves import GREEDY, Curve
from genius_bench.reporting.sharpening import sharpening_of
from genius_bench.reporting.terminal import show_board
from genius_bench.runs import Evaluation, Run, write_run

TASKS = ("one", "two")
ITEMS = 200
GRID = (0.3, 0.5, 0.7)
DETAILS = {"samples": 2, "generations": "-"}


@dataclass
class Answered:
    """Stands for a scored model: task → metric → question → share of right answers."""

    values: dict[str, dict[str, dict[str, float]]]
    failing: dict[str, float] = field(default_factory=dict)

    @property
    def artifacts(self) -> dict[str, Any]:
        return dict.fromkeys(self.values)

    @property
    def scores(self) -> set[tuple[str, str]]:
        return {(task, metric) for task, metrics in self.values.items() for metric in metrics}

    def items(self, task: str, metric: str) -> dict[str, float]:
        return self.values[task][metric]

    def headline(self, task: str) -> str:
        return "sampled"


class Population:
    """Questions of two kinds. On half of them the right text is by far the likeliest. On the others it is said in two
    ways, each less likely than one wrong text: a lower temperature loses there. So the best one lies in between."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.masses = {
            task: np.stack([self._masses(item) for item in range(ITEMS)]) for task in TASKS
        }  # [item, (right, right, wrong, wrong)]

    def _masses(self, item: int) -> np.ndarray:
        noise = self.random.normal(0, 0.1, 4)
        plain = np.log([0.5, 1e-9, 0.25, 0.25])
        spread = np.log([0.3, 0.3, 0.38, 0.02])
        return np.exp((plain if item % 2 else spread) + noise * np.array([1, 0, 1, 1]))

    def right(self, task: str, temperature: float, more: float = 0.0) -> np.ndarray:
        """The chance of a right answer to each question; `more` of the wrong ones have become right."""
        powers = self.masses[task] ** (1 / temperature)
        chance: np.ndarray = powers[:, :2].sum(-1) / powers.sum(-1)
        return chance + more * (1 - chance)

    def answered(self, temperature: float, samples: int, scale: float = 1.0, more: float = 0.0) -> Answered:
        """What a model says that is the base at `scale` times the temperature."""
        drawn = {
            task: self.random.binomial(samples, self.right(task, temperature * scale, more)) / samples
            for task in TASKS
        }
        return Answered({task: {"sampled": _named(task, drawn[task])} for task in TASKS})

    def curve(self, scale: float = 1.0, more: float = 0.0) -> Curve:
        own = self.answered(1.0, 4, scale, more)
        for task in TASKS:
            greedy = self.masses[task].argmax(-1) < 2
            own.values[task]["greedy"] = _named(task, greedy | (self.random.random(ITEMS) < more))
        others: Any = [(one, self.answered(one, 1, scale, more)) for one in GRID]
        tuning: Any = [(one, self.answered(one, 1, scale, more)) for one in (*GRID, 1.0)]
        for task in TASKS:
            tuning[-1][1].values[task]["greedy"] = own.values[task]["greedy"]
        return Curve(Store.__new__(Store), own, 1.0, others, tuning)  # type: ignore[arg-type]


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that tell no entropies."""
    monkeypatch.setattr(Curve, "entropy", lambda self, tasks, temperature: None)


def _named(task: str, values: np.ndarray) -> dict[str, float]:
    return {f"{task}-{item}": float(value) for item, value in enumerate(values)}


def test_a_model_that_is_its_base_at_a_lower_temperature_does_nothing_beyond_sharpening(untold: None) -> None:
    random = np.random.default_rng(0)
    gains, covered, runs = [], 0, 200
    for _ in range(runs):
        population = Population(random)
        base, sharper = population.curve(), population.curve(scale=0.6)
        found = sharpening_of([sharper], base, TASKS)
        assert found
        assert found.beyond
        gains.append(
            np.mean([population.right(task, 0.6).mean() - population.right(task, 1).mean() for task in TASKS])
        )
        covered += found.beyond.low <= 0 <= found.beyond.high
    assert np.mean(gains) > 0.02, "it does gain at T=1"
    assert 0.93 <= covered / runs <= 0.975


def test_a_model_that_knows_more_is_found_at_the_size_that_is_said_to_be_detectable(untold: None) -> None:
    random = np.random.default_rng(1)
    seen, runs = 0, 200
    population = Population(random)
    first = sharpening_of([population.curve()], population.curve(), TASKS)
    assert first
    assert first.detectable
    wrong = np.mean([1 - population.right(task, 0.5).mean() for task in TASKS])
    for _ in range(runs):
        found = sharpening_of([population.curve(more=first.detectable / wrong)], population.curve(), TASKS)
        assert found
        assert found.beyond
        seen += found.beyond.low > 0
    assert (
        0.75 <= seen / runs <= 0.92
    )  # 0.8, but for the chance of 200 runs and of the luck that one run shows


def test_the_temperature_is_never_chosen_on_what_is_reported() -> None:
    curve = Population(np.random.default_rng(2)).curve()
    curve.tuning = []
    chosen_on = {name for task in TASKS for name in curve.tuning_values(task, 0.5)}
    reported = {name for task in TASKS for name in curve.reported(task, 0.5)}
    assert not chosen_on & reported
    assert len(chosen_on | reported) == len(TASKS) * ITEMS
    assert len(chosen_on) == len(TASKS) * ITEMS / 2
    # A temperature at which all reported answers are right, and all others wrong, is not chosen.
    for task in TASKS:
        names = curve.values(task, 0.5).keys()
        lure = {name: float(name not in choosing_half(names)) for name in names}
        [at_half] = [one for temperature, one in curve.others if temperature == 0.5]
        at_half.values[task]["sampled"] = lure  # type: ignore[attr-defined]
    assert curve.best(TASKS) != 0.5


def test_the_parts_of_a_gain_add_up_and_say_what_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entropies and unreadable answers are given: the model is as certain as its base half-way between 0.5 and 0.7."""
    population = Population(np.random.default_rng(3))
    base, model = population.curve(), population.curve(scale=0.6)
    entropies = {GREEDY: 0.0, 0.3: 0.2, 0.5: 0.4, 0.7: 0.6, 1.0: 1.0}
    monkeypatch.setattr(Curve, "entropy", lambda self, tasks, one: 0.5 if self is model else entropies[one])
    unread = {"base": 0.25, "model": 0.05}
    monkeypatch.setattr(
        Curve,
        "failing",
        lambda self, task, one: dict.fromkeys(
            self.values(task, one), unread["model" if self is model else "base"]
        ),
    )
    found = sharpening_of([model], base, TASKS)
    assert found
    assert found.as_certain_as == (pytest.approx(0.6),)
    gain = np.mean(
        [
            np.mean([*model.values(task, 1.0).values()]) - np.mean([*base.values(task, 1.0).values()])
            for task in TASKS
        ]
    )
    assert sum(part.difference for part in found.parts.values()) == pytest.approx(gain)
    cooled = {
        task: (np.mean([*base.values(task, 0.5).values()]) + np.mean([*base.values(task, 0.7).values()])) / 2
        for task in TASKS
    }
    plain = {task: np.mean([*base.values(task, 1.0).values()]) for task in TASKS}
    assert found.parts["sharpening"].difference == pytest.approx(
        np.mean([cooled[task] - plain[task] for task in TASKS])
    )
    assert found.parts["format"].difference == pytest.approx(
        np.mean([0.2 * cooled[task] / 0.75 for task in TASKS])
    )


def test_changed_answers_are_held_against_mcnemar() -> None:
    population = Population(np.random.default_rng(4))
    base, model = population.curve(), population.curve(more=0.2)
    found = changes_of(model, base, TASKS)
    assert found
    before, after = (
        np.array([value for task in TASKS for value in one.values(task, GREEDY).values()])
        for one in (base, model)
    )
    assert found.wrong_to_right == int(((before == 0) & (after == 1)).sum()) > 0
    assert found.right_to_wrong == int(((before == 1) & (after == 0)).sum()) == 0
    expected = 2 * stats.binom.cdf(0, found.wrong_to_right, 0.5)
    assert found.p_value == pytest.approx(expected)


def test_what_is_asked_beside_a_boards_own_settings() -> None:
    settings = EvaluationSection(limit=30, coverage=16, coverage_items=10)
    asked = controls_of(settings, ["lab_words", "gsm8k", "alpaca_eval"])
    told = [(one.split, one.temperature, one.greedy, one.samples, one.limit, names) for one, names in asked]
    both, lab = ["lab_words", "gsm8k"], ["lab_words"]
    assert told == [
        *((None, one, False, 1, 30, both) for one in GRID),
        ("tuning", 1.0, True, 1, 30, lab),
        *(("tuning", one, False, 1, 30, lab) for one in GRID),
        (None, 1.0, False, 16, 10, both),
    ]
    assert controls_of(EvaluationSection(temperatures=(), coverage=0), ["lab_words"]) == []
    assert controls_of(EvaluationSection(split="tuning"), ["lab_words"]) == []
    paper = controls_of(EvaluationSection(protocol="paper"), ["gsm8k"])
    assert (0, True) in [(one.samples, one.greedy) for one, _ in paper], "the protocol has no greedy answer"


def test_a_board_carries_the_base_at_its_best_temperature(tmp_path: Path) -> None:
    """From runs and scores on disk: the base is right more often at T=0.5; the checkpoint is the base at that one."""
    from tests.reporting.test_board import ITEMS as QUESTIONS
    from tests.reporting.test_board import SETTINGS, TASKS, write_scores

    random = np.random.default_rng(5)
    store = Store(tmp_path)
    # Chances at T=1 and at 0.5, of both models.
    chances = {"base": (0.3, 0.6), "trained": (0.6, 0.6)}
    evaluations: list[Evaluation] = []
    for name, (warm, cool) in chances.items():
        for settings, chance, control in (
            (SETTINGS, warm, False),
            ({**SETTINGS, "temperature": 0.5, "greedy": False, "samples": 1}, cool, True),
        ):
            right = {task: random.random((QUESTIONS, 3)) < chance for task in TASKS}
            for task in TASKS:
                right[task][:, 0] = random.random(QUESTIONS) < 0.1  # greedy answers are the worst
            of = f"{name} at {settings['temperature']}"
            keys = {task: write_scores(store, of, task, right[task], DETAILS) for task in TASKS}
            evaluations.append(
                Evaluation(model=name, fingerprint=name, settings=settings, scores=keys, control=control)
            )
    run = Run(
        id="genius-0",
        recipe={"method": "genius", "variant": "paper", "seed": 0, "objective": {"name": "dpo"}},
        base="lab",
        base_fingerprint="base",
        checkpoints=[
            {"iteration": "1", "fingerprint": "trained", "path": "p", "training_set": "", "key": ""}
        ],
        evaluations=evaluations,
    )
    write_run(tmp_path, run)
    board = build_board(tmp_path)
    assert [row.label for row in board.rows][:2] == ["lab (base)", "lab, T=0.5"]
    lab, free, trained = board.rows
    assert free.is_control
    assert free.average_gain
    assert free.average_gain.difference > 0.15
    assert trained.average_gain
    assert trained.average_gain.difference > 0.15, "a gain over the base …"
    assert trained.sharpening
    assert trained.sharpening.beyond
    assert trained.sharpening.beyond.low < 0 < trained.sharpening.beyond.high, "… and none beyond sharpening"
    assert lab.sharpening
    assert set(lab.sharpening.curve) == {GREEDY, 0.5, 1.0}
    stream = io.StringIO()
    show_board(board, Console(file=stream, width=80))
    shown = " ".join(stream.getvalue().split())
    assert "For nothing, lab, T=0.5 gains +" in shown
    assert "Not to be told from the base at its best (lab, T=0.5): genius" in shown
