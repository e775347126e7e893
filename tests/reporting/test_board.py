"""The board against scipy on the same answers, and its intervals against simulation."""

import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from scipy.stats import ttest_ind

from genius_bench.artifacts import Build, Identity, Store
from genius_bench.errors import InputError
from genius_bench.evaluation.metrics import FAILURES
from genius_bench.reporting.averages import comparable
from genius_bench.reporting.board import build_board
from genius_bench.reporting.legend import legend
from genius_bench.reporting.numbers import rounded
from genius_bench.reporting.terminal import show_board
from genius_bench.runs import Evaluation, Run, read_runs, write_run
from genius_bench.statistics import suite_average, suite_difference

SETTINGS = {
    "protocol": "strict",
    "samples": 2,
    "temperature": 1.0,
    "limit": None,
    "max_tokens": None,
    "split": None,
}
ITEMS = 60
TASKS = ("one", "two")


def write_scores(
    store: Store,
    name: str,
    task: str,
    right: np.ndarray,
    details: dict[str, Any] | None = None,
    items: str = "",
) -> str:
    """A `scores` artifact with given verdicts [items, 3]: greedy and two samples."""
    from genius_bench.evaluation.metrics import scores_of

    rows = [
        {
            "item_id": f"{items or task}-{item}",
            "repeat": repeat,
            "correct": bool(right[item, repeat]),
            "released_correct": False,
            "format_failure": item == 0,
            "truncated": False,
            "empty": False,
            "ungraded": item == 1,
            "vote": "",
            "question": f"question {item}",
            "gold": "7",
            "response": "",
            "extracted": "7",
            "error": False,
            "any_failure": item < 2,
        }
        for item in range(ITEMS)
        for repeat in range(3)
    ]

    def produce(build: Build) -> None:
        older = task == "two"  # scores of before there were answers that nothing could be decided about
        build.write_shard([{k: v for k, v in row.items() if k != "ungraded" or not older} for row in rows])
        numbers = [vars(score) for score in scores_of(task, rows, details or {}, graded=True, released=True)]
        build.write_json("scores.json", numbers)

    return store.make(Identity(kind="scores", version=1, parameters={"task": task, "of": name}), produce).key


@pytest.fixture
def home(tmp_path: Path) -> tuple[Path, dict[str, dict[str, np.ndarray]]]:
    """A base and three seeds of one recipe, with verdicts that we know."""
    random = np.random.default_rng(0)
    store = Store(tmp_path)
    skill = {"base": 0.4, "seed-0": 0.55, "seed-1": 0.5, "seed-2": 0.6}
    right = {
        name: {task: random.random((ITEMS, 3)) < chance for task in TASKS} for name, chance in skill.items()
    }
    keys = {
        name: {task: write_scores(store, name, task, right[name][task]) for task in TASKS} for name in skill
    }
    base = Evaluation(model="lab", fingerprint="base", settings=SETTINGS, scores=keys["base"])
    for seed in range(3):
        own = f"seed-{seed}"
        recipe: dict[str, Any] = {"method": "genius", "variant": "paper", "seed": seed, "queries": 5}
        evaluation = Evaluation(model="genius", fingerprint=own, settings=SETTINGS, scores=keys[own])
        run = Run(
            id=f"genius-{seed}",
            recipe=recipe,
            base="lab",
            base_fingerprint="base",
            checkpoints=[{"iteration": "1", "fingerprint": own, "path": own, "training_set": "", "key": ""}],
            evaluations=[base, evaluation],
        )
        write_run(tmp_path, run)
    return tmp_path, right


def test_rows_are_the_base_the_seeds_and_their_mean(home: tuple[Path, Any]) -> None:
    labels = [row.label for row in build_board(home[0]).rows]
    seeds = [f"genius seed {seed}" for seed in range(3)]
    assert labels == ["lab (base)", *seeds, "genius, 3 seeds"]


def test_failures_are_shares_of_all_answers_and_each_has_a_column(home: tuple[Path, Any]) -> None:
    board = build_board(home[0])
    expected = {"format_failure": 1 / ITEMS, "ungraded": 1 / (2 * ITEMS), "any_failure": 2 / ITEMS}
    assert board.rows[0].failures == pytest.approx(dict.fromkeys(FAILURES, 0) | expected)
    stream = io.StringIO()
    show_board(board, Console(file=stream, width=80))
    [heading] = [line for line in stream.getvalue().splitlines() if line.startswith("answers")]
    assert heading.split()[1:] == [
        "published",
        "rules",
        "unparsed",
        "truncated",
        "empty",
        "errors",
        "ungraded",
    ]


def test_means_leave_out_the_single_seeds(home: tuple[Path, Any]) -> None:
    whole, means = build_board(home[0]).rows, build_board(home[0], means=True).rows
    assert means == [whole[0], whole[-1]]


def test_a_label_says_what_was_asked_for(home: tuple[Path, Any]) -> None:
    path, _ = home
    [run, *_] = read_runs(path)
    recipe = {**(run.recipe or {}), "variant": "no_sampling", "objective": {"name": "dpo"}}
    write_run(path, replace(run, recipe=recipe))
    labels = [row.label for row in build_board(path).rows]
    assert "genius no_sampling + dpo seed 0" in labels
    assert "genius, 2 seeds" in labels, "the other seeds have another recipe now"


def test_gains_are_paired_t_tests_over_questions(home: tuple[Path, Any]) -> None:
    path, right = home
    row = build_board(path, tasks=["one"]).rows[1]
    mine, base = (right[name]["one"][:, 1:].mean(1) for name in ("seed-0", "base"))
    expected = stats.ttest_rel(mine, base)
    assert row.average_gain is not None
    assert row.average_gain.difference == pytest.approx((mine - base).mean())
    gain = row.gains["one"]
    assert gain is not None
    assert gain.p_value == pytest.approx(expected.pvalue)
    assert (gain.low, gain.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_the_mean_over_seeds_is_wider_than_its_questions_alone(home: tuple[Path, Any]) -> None:
    path, right = home
    *single, mean = [row.average_gain for row in build_board(path).rows[1:]]
    assert mean is not None
    assert mean.difference == pytest.approx(np.mean([gain.difference for gain in single if gain]))
    averaged = np.mean([right[f"seed-{seed}"]["one"][:, 1:].mean(1) for seed in range(3)], axis=0)
    questions_alone = 2 * 1.96 * averaged.std(ddof=1) / np.sqrt(ITEMS) / np.sqrt(2)
    assert mean.high - mean.low > 0.8 * questions_alone


def test_other_settings_are_another_board(home: tuple[Path, Any]) -> None:
    path, _ = home
    other = {**SETTINGS, "temperature": 0.6}
    key = write_scores(Store(path), "other", "one", np.ones((ITEMS, 3)))
    write_run(
        path,
        Run(
            id="eval-x",
            evaluations=[Evaluation(model="x", fingerprint="x", settings=other, scores={"one": key})],
        ),
    )
    assert [row.label for row in build_board(path, settings=other).rows] == ["x"]
    assert "x" not in [row.label for row in build_board(path, settings=SETTINGS).rows]
    with pytest.raises(InputError, match="nothing scored yet"):
        build_board(path, settings={**SETTINGS, "temperature": 0.1})


def tried(path: Path, **settings: Any) -> None:
    """A newer evaluation of one more model, on other settings."""
    key = write_scores(Store(path), f"tried {settings}", "one", np.ones((ITEMS, 3)))
    scores = {"one": key, "two": write_scores(Store(path), "two", "two", np.ones((ITEMS, 3)))}
    only = Evaluation(model="x", fingerprint="x", settings=SETTINGS | settings, scores=scores)
    write_run(path, Run(id=f"eval-{len(settings)}{settings}"[:9], evaluations=[only]))


@pytest.mark.parametrize("settings", [{"limit": 6}, {"temperature": 0.6}])
def test_a_try_out_hides_no_board_and_is_named_beneath(
    home: tuple[Path, Any], settings: dict[str, Any]
) -> None:
    path, _ = home
    before = build_board(path)
    tried(path, **settings)
    board = build_board(path)
    assert board.rows == before.rows
    words = " ".join(legend(board, False).plain.split())
    told = "first 6 items" if "limit" in settings else "T=0.6"
    assert re.search(
        rf"Not on this board: 1 scored on 2 tasks, strict, .*{told}.*: x \(genius-bench board --number 2\)",
        words,
    )
    assert [row.label for row in build_board(path, number=2).rows] == ["x"]
    assert build_board(path, number=2).elsewhere.keys() == {1}
    with pytest.raises(InputError, match="there is no board 3: 2 groups"):
        build_board(path, number=3)


def test_a_whole_board_of_bases_does_not_hide_a_try_out_of_trained_models(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = {name: write_scores(store, name, "one", np.ones((ITEMS, 3))) for name in ("base", "mine")}
    alone = Evaluation(model="lab", fingerprint="base", settings=SETTINGS, scores={"one": keys["base"]})
    write_run(tmp_path, Run(id="eval-1", evaluations=[alone]))
    tried = [
        Evaluation(model=name, fingerprint=name, settings=SETTINGS | {"limit": 6}, scores={"one": key})
        for name, key in keys.items()
    ]
    checkpoints = [{"iteration": "1", "fingerprint": "mine", "path": "mine", "training_set": "", "key": ""}]
    recipe = {"method": "genius", "variant": "paper", "seed": 0}
    write_run(
        tmp_path,
        Run(
            id="genius-1",
            recipe=recipe,
            base="lab",
            base_fingerprint="base",
            checkpoints=checkpoints,
            evaluations=tried,
        ),
    )
    assert [row.label for row in build_board(tmp_path).rows] == ["lab (base)", "genius seed 0"]
    assert build_board(tmp_path, number=2).settings == SETTINGS


def test_means_show_what_has_one_seed_alone(home: tuple[Path, Any]) -> None:
    path, _ = home
    for seed in (1, 2):
        (path / "runs" / f"genius-{seed}.json").unlink()
    assert [row.label for row in build_board(path, means=True).rows] == ["lab (base)", "genius seed 0"]


def test_models_of_a_sweep_are_told_apart_by_what_was_swept(home: tuple[Path, Any]) -> None:
    path, _ = home
    for run in read_runs(path):
        assert run.recipe
        rate = {"training": {"learning_rate": 1e-5 * (1 + run.recipe["seed"])}, "seed": 0}
        write_run(path, replace(run, recipe=run.recipe | rate))
    assert [row.label for row in build_board(path).rows][1:] == [
        f"genius learning_rate={rate} seed 0" for rate in ("1e-05", "2e-05", "3e-05")
    ]


def test_halves_are_rounded_alike_on_the_terminal_and_on_the_site() -> None:
    values = [62.74999999999999, 62.75, 62.65, 0.05, -0.05, 12.25, -12.25, 99.95, 0.0, 33.333, -0.04]
    expected = ["62.8", "62.8", "62.7", "0.1", "-0.1", "12.3", "-12.3", "100.0", "0.0", "33.3", "0.0"]
    assert [f"{rounded(value):.1f}" for value in values] == expected
    script = files("genius_bench.site").joinpath("static/numbers.js").read_text() + (
        f"\nconsole.log({json.dumps(values)}.map((value) => Numbers.fixed(value).replace('−', '-')).join(' '));"
    )
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected


def test_training_without_scoring_keeps_what_was_scored(home: tuple[Path, Any]) -> None:
    path, _ = home
    before = build_board(path)
    record = json.loads((path / "runs" / "genius-0.json").read_text())
    write_run(
        path,
        Run(
            id="genius-0",
            recipe=record["recipe"],
            base="lab",
            base_fingerprint="base",
            checkpoints=record["checkpoints"],
        ),
    )
    assert build_board(path).rows == before.rows


def test_a_damaged_run_is_named(home: tuple[Path, Any]) -> None:
    path, _ = home
    (path / "runs" / "broken.json").write_text('{"id": 3')
    with pytest.raises(InputError, match=r"broken\.json"):
        build_board(path)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_tables_fit_the_terminal(home: tuple[Path, Any], width: int) -> None:
    stream = io.StringIO()
    show_board(build_board(home[0]), Console(file=stream, width=width))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert text.count("lab") >= 3
    assert "\x1b" not in text


def named(values: np.ndarray) -> dict[str, float]:
    return {str(number): float(value) for number, value in enumerate(values)}


Seeds = list[list[dict[str, float]]]


def draw(random: np.random.Generator, effect: float, seeds: int) -> tuple[Seeds, Seeds]:
    """Three seeds of a method on two tasks, and a base (one seed) or another method: trained seeds differ in their true
    gain, questions in how hard they are."""
    hard = random.normal(0, 0.15, (2, 100))

    def answers(gain: float) -> list[dict[str, float]]:
        return [named(random.binomial(4, np.clip(0.5 + hard[t] + gain, 0, 1)) / 4) for t in range(2)]

    def spread() -> float:
        return float(random.normal(0, 0.03))

    theirs = [answers(0.0)] if seeds == 1 else [answers(spread()) for _ in range(seeds)]
    return [answers(effect + spread()) for _ in range(3)], theirs


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_intervals_over_seeds_cover(seeds: int) -> None:
    """95 % intervals cover the true gain in 93 to 99 % of 600 experiments, seeds' own spread included."""
    random = np.random.default_rng(1)
    found = [suite_difference(*draw(random, 0.05, seeds)) for _ in range(600)]
    assert 0.93 <= np.mean([one.low <= 0.05 <= one.high for one in found]) <= 0.99
    none = [suite_difference(*draw(random, 0.0, seeds)).p_value < 0.05 for _ in range(600)]
    assert np.mean(none) <= 0.07


def test_without_noise_of_questions_it_is_welchs_test() -> None:
    mine, theirs = [0.78, 0.765, 0.772, 0.781], [0.688, 0.691, 0.75]
    a, b = ([[dict.fromkeys("xyz", value)] for value in side] for side in (mine, theirs))
    wanted = ttest_ind(mine, theirs, equal_var=False)
    found = suite_difference(a, b)
    assert found.difference == pytest.approx(np.mean(mine) - np.mean(theirs))
    assert found.p_value == pytest.approx(wanted.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(wanted.confidence_interval()))


def test_seeds_that_were_asked_other_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same questions"):
        suite_difference([[{"q": 1.0}], [{"r": 1.0}]], [[{"q": 1.0}]])
    with pytest.raises(ValueError, match="same questions"):
        suite_difference([[{"q": 1.0}]] * 2, [[{"r": 1.0}]])


def test_seeds_that_were_asked_other_questions_have_no_mean(home: tuple[Path, Any]) -> None:
    """The task's items changed between two runs: no number, and no traceback."""
    path, _ = home
    store = Store(path)
    [first, *_] = read_runs(path)
    [base, mine] = first.evaluations
    scores = {**mine.scores, "one": write_scores(store, "changed", "one", np.ones((ITEMS, 3)), items="other")}
    write_run(path, replace(first, evaluations=[base, replace(mine, scores=scores)]))
    [means] = [row for row in build_board(path).rows if row.seeds == 3]
    assert means.cells["one"] is None
    assert means.average is None
    assert means.cells["two"] is not None


def test_one_question_is_never_significant() -> None:
    gain = suite_difference([[{"q": 1.0}]] * 3, [[{"q": 0.0}]])
    assert gain.p_value == 1.0
    assert (gain.low, gain.high) == (-1.0, 1.0)
    assert suite_average([[{"q": 1.0}]]).value == 1.0


def test_what_a_reader_must_know_stands_beneath_the_board(tmp_path: Path) -> None:
    """Other items than expected, missing examples, who judged and how often in vain."""
    store = Store(tmp_path)
    changed = {"dataset": "changed", "expected_items": 1319, "protocol": "strict (0-shot)"}
    judged = {"dataset": "as expected", "protocol": "strict", "judge": "gpt-4o", "judge_failures": 7}
    right = np.zeros((ITEMS, 3))
    keys = {
        "one": write_scores(store, "a", "one", right, changed), "two": write_scores(store, "a", "two", right, judged)
    }  # fmt: skip
    write_run(
        tmp_path,
        Run(id="eval", evaluations=[Evaluation(model="m", fingerprint="f", settings=SETTINGS, scores=keys)]),
    )
    stream = io.StringIO()
    board = build_board(tmp_path)
    show_board(board, Console(file=stream, width=200))
    text = stream.getvalue()
    assert f"! one: other items than expected ({ITEMS} items; 1319 in all)." in text
    assert "! one: strict (0-shot): no train split at hand." in text
    assert "! two: judged by gpt-4o." in text
    assert "! two: 7 answers without a verdict, counted as undecided." in text
    assert "[0.0, " in text, "an interval at the edge is not symmetric"
    assert "▲" not in text, "nothing to compare with: no legend of it"
    assert list(board.rows[0].notes) == ["one", "two"]


def test_rows_that_were_trained_on_a_tasks_items_are_marked(home: tuple[Path, Any]) -> None:
    run = next(one for one in read_runs(home[0]) if one.checkpoints)
    overlap = {"one": {"items": 60, "met": 60, "whole": 45}, "two": {"items": 60, "met": 3, "whole": 0}}
    write_run(home[0], replace(run, corpus=run.corpus | {"overlap": overlap}))
    board = build_board(home[0])
    marked = [row.notes for row in board.rows if row.notes]
    assert {"one": ["transductive: 45 of 60 items were training queries"]} in marked
    assert not any("two" in notes for notes in marked)


def test_accuracies_and_win_rates_have_no_mean() -> None:
    mixed = {"gsm8k": "sampled", "alpaca_eval": "win_rate[j]", "wildbench": "rating[j]"}
    assert comparable(mixed) == {"gsm8k": "sampled"}
    assert comparable({"alpaca_eval": "win_rate[j]"}) == {"alpaca_eval": "win_rate[j]"}


def test_scores_are_read_without_what_makes_them() -> None:
    heavy = {"jinja2", "genius_bench.evaluation.graders"}
    code = f"import sys, genius_bench.reporting.board; print({heavy} & {{*sys.modules}})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("set()\n", "")
