"""`compare` against scipy, and the answers that it shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from genius_bench.errors import InputError
from genius_bench.reporting.board import build_board
from genius_bench.reporting.comparing import compare
from genius_bench.statistics import detectable_difference
from tests.reporting.test_board import TASKS, home  # noqa: F401  (a fixture)

Home = tuple[Path, dict[str, dict[str, np.ndarray]]]


def test_tests_are_paired_over_questions_and_corrected(home: Home) -> None:  # noqa: F811
    path, right = home
    found = compare(path, "lab", "genius seed 2")
    assert (found.a, found.b) == ("lab (base)", "genius seed 2")
    raw = {}
    for one in found.tasks:
        mine, base = (right[name][one.task][:, 1:].mean(1) for name in ("seed-2", "base"))
        expected = stats.ttest_rel(mine, base)
        raw[one.task] = expected.pvalue
        assert one.difference.difference == pytest.approx((mine - base).mean())
        assert (one.difference.low, one.difference.high) == pytest.approx(
            tuple(expected.confidence_interval())
        )
    low, high = sorted(raw.values())
    # Holm by hand, for two
    corrected = {low: min(1, 2 * low), high: max(min(1, 2 * low), high)}
    for one in found.tasks:
        assert one.difference.p_value == pytest.approx(corrected[raw[one.task]])


def test_changed_answers_show_the_change(home: Home) -> None:  # noqa: F811
    path, right = home
    [task, _] = compare(path, "lab (base)", "genius-1").tasks
    mine, base = (right[name][task.task][:, 1:].mean(1) for name in ("seed-1", "base"))
    assert len(task.changes) == int((mine != base).sum())
    for change in task.changes:
        item = int(change.item.split("-")[-1])
        assert change.gain == pytest.approx(mine[item] - base[item])
        assert change.b["correct"] == (change.gain > 0)
        assert change.a["correct"] == (change.gain < 0)
        assert change.a["repeat"] > 0, "the metric is of the samples"
    gains = [abs(change.gain) for change in task.changes]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize(
    ("name", "message"), [("genus seed 0", "did you mean 'genius seed 0'"), ("nobody", "no model 'nobody'")]
)
def test_unknown_models_are_named(home: Home, name: str, message: str) -> None:  # noqa: F811
    with pytest.raises(InputError, match=message):
        compare(home[0], "lab", name)


def test_one_task_can_be_asked_for(home: Home) -> None:  # noqa: F811
    assert [one.task for one in compare(home[0], "lab", "genius seed 0", [TASKS[1]]).tasks] == [TASKS[1]]


def test_the_detectable_difference_is_found_in_four_of_five_attempts() -> None:
    random = np.random.default_rng(5)

    def draw(gain: float) -> Any:
        skill = random.beta(2, 2, 300)
        a = random.binomial(4, skill) / 4
        b = random.binomial(4, np.clip(skill + gain, 0, 1)) / 4
        return ({str(i): float(v) for i, v in enumerate(values)} for values in (a, b))

    pairs = [list(draw(0.0)) for _ in range(50)]
    detectable = float(np.mean([detectable_difference([[a]], [[b]]) for a, b in pairs]))
    hits = 0
    for _ in range(600):
        a, b = draw(detectable)
        hits += stats.ttest_rel(list(a.values()), list(b.values())).pvalue < 0.05
    assert 0.74 <= hits / 600 <= 0.86


def test_the_mean_of_seeds_is_compared_as_the_board_compares_it(home: Home) -> None:  # noqa: F811
    path, right = home
    found = compare(path, "lab", "genius, 3 seeds")
    [row] = [row for row in build_board(path).rows if row.seeds == 3]
    assert found.average == row.average_gain
    assert found.b == row.label
    for one in found.tasks:
        mine = np.mean([right[f"seed-{seed}"][one.task][:, 1:].mean(1) for seed in range(3)], axis=0)
        assert one.b == pytest.approx(mine.mean())
        changed = {int(change.item.split("-")[-1]) for change in one.changes}
        assert changed == set(np.flatnonzero(mine != right["base"][one.task][:, 1:].mean(1)))
    assert compare(path, "lab", "genius-2").b == "genius seed 2", "the beginning of a run's id"
