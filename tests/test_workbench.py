"""Runs as things: listed, shown, swept, removed; what can be set, from one reference."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from genius_bench.artifacts import Store
from genius_bench.cli import main
from genius_bench.cli.sweeping import combinations, each
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.layers import leaves, read_layer
from genius_bench.recipe import Recipe
from genius_bench.reference import keys, options, page
from genius_bench.reporting.run_facts import garbage
from genius_bench.resolution import resolve
from genius_bench.run_places import going_on, log_of, state_of
from genius_bench.runs import Run, read_runs, write_run
from genius_bench.shown_recipe import differing, shown

DOCS = Path(__file__).parents[1] / "docs"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(list(words))
    return capsys.readouterr().out


def test_sweeps_are_every_combination_in_order() -> None:
    assert combinations([]) == [{}]
    found = combinations(["seed=0,1", "training.learning_rate=1.0e-6,5.0e-7"])
    assert [(one["seed"], one["training"]["learning_rate"]) for one in found] == [
        (0, 1e-6),
        (0, 5e-7),
        (1, 1e-6),
        (1, 5e-7),
    ]
    for wrong in ("seed", "seed=", "seed=0,,1"):
        with pytest.raises(InputError, match=r"section\.key=value,value"):
            combinations([wrong])


def test_one_run_that_fails_keeps_no_other_from_its_turn(capsys: pytest.CaptureFixture[str]) -> None:
    def make(number: int) -> int:
        if number == 2:
            raise InputError("no such number")
        return number

    made: list[int] = []
    with pytest.raises(GeniusBenchError, match=r"1 run of 3 failed \(run 2\)"):
        made.extend(each([1, 2, 3], make))
    assert "error: no such number" in capsys.readouterr().err
    assert made == [1, 3]


def test_a_shown_recipe_is_read_again_and_marks_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--method", "scpo", "--model", "m", "--set", "training.learning_rate=1.0e-6", "--seed", "3"]
    text = said(capsys, "train", *asked, "--show-recipe")
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    assert (
        resolve(read_layer(path)).recipe
        == resolve({"method": "scpo", "model": "m", "training": {"learning_rate": 1e-6}, "seed": 3}).recipe
    )
    marked = {
        line.split(":")[0].strip(): line.partition("# default: ")[2]
        for line in text.splitlines()
        if "#" in line
    }
    assert marked == {"method": '"genius"', "model": '"lab"', "seed": "0", "learning_rate": "5.0e-07"}


def test_what_differs_is_told_by_whole_keys() -> None:
    recipe = resolve({"method": "spin", "model": "m", "objective": {"beta": 0.7}}).recipe.model_dump()
    assert dict(differing(recipe)) == {"method": "spin", "model": "m", "objective.beta": 0.7}
    assert yaml.safe_load(shown(recipe))["training"]["reference"] == "recompute"


def test_every_key_of_a_recipe_can_be_looked_up() -> None:
    wanted = set(leaves(Recipe().model_dump())) - {"sampling", "objective"}
    assert set(keys()) == wanted | {"sampling", "objective"}
    [found] = options("aco").values()
    assert [one.key for one in found] == ["objective.beta", "objective.alpha", "objective.weighting"]
    assert {one.key for one in options("placebo")["method placebo"]} >= {
        "sampling.responses",
        "sampling.selection",
    }
    assert list(options("sft")) == ["method sft", "objective sft"], "both of one name"
    with pytest.raises(InputError, match="did you mean 'training'"):
        options("trainin")


def test_the_page_of_options_is_what_the_code_says_now() -> None:
    assert (DOCS / "options.md").read_text() == page(), (
        "run: python -m genius_bench.reference docs/options.md"
    )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--learning-rate", "1e-6"], "--set training.learning_rate=VALUE"),
        (["--rank", "8"], "--set training.lora.rank=VALUE"),
        (["--method", "dpo"], "but there is the objective 'dpo' (--objective)"),
        (
            ["--method", "ttrl", "--objective", "dpo"],
            "the objective 'dpo' is for rows that were sampled before; here are dapo, dr-grpo, grpo",
        ),
        (
            ["--objective", "grpo"],
            "the token objective 'grpo' is for online methods; here are aco, cdpo, dpo",
        ),
        (["--seed", "0", "--seeds", "1,2"], "--seed and --seeds: give one of them"),
    ],
)
def test_hints_lead_to_the_right_word(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        main(["train", *arguments, "--home", str(tmp_path)])
    [line] = capsys.readouterr().err.strip().splitlines()
    assert hint in line


def test_a_method_shows_its_variants_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "methods", "placebo")
    assert "--variant length: sampling.selection=length" in text
    assert "sampling.temperature = 0.7" in text
    told = json.loads(said(capsys, "methods", "placebo", "--json"))
    assert told["variants"]["length"] == {"sampling": {"selection": "length"}}
    assert "training.lora.rank = 0" in said(capsys, "options", "training")


def test_what_is_shown_is_there_for_programs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    cell = json.loads(said(capsys, "explain", "table1/magpie/genius/gsm8k", "--json", *home))
    assert (cell["reported"], cell["measured"], cell["models"]) == (78.32, None, [])
    assert len(json.loads(said(capsys, "explain", "table1/magpie/genius", "--json", *home))) > 1
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        json.dumps({"prompt": "2 + 3?", "chosen": "It is 5.", "rejected": "It is 6.", "answer": "5"})
    )
    [seen] = json.loads(said(capsys, "inspect", str(file), "--json", *home))
    assert (seen["name"], seen["pairs"], seen["chosen_right"]["value"]) == ("pairs.jsonl", 1, 1.0)
    assert seen["rejected_right"]["value"] == 0.0


def test_a_run_that_is_going_on_is_neither_removed_nor_collected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, Run(id="spin-1"))
    with going_on(tmp_path, "spin-1"):
        assert state_of(tmp_path, "spin-1") == "running"
        for command in (["rm", "spin-1"], ["gc"]):
            with pytest.raises(SystemExit):
                main(["runs", *command, "--home", str(tmp_path)])
        errors = capsys.readouterr().err
        assert "run 'spin-1' is going on" in errors
        assert "1 run running (spin-1)" in errors
    assert state_of(tmp_path, read_runs(tmp_path)[0]) == "finished"


def test_a_run_that_ended_before_its_time_is_removed_by_the_beginning_of_its_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_of(tmp_path, "rest-em-6021").parent.mkdir(parents=True)
    log_of(tmp_path, "rest-em-6021").write_text("")
    main(["runs", "rm", "rest-em", "--home", str(tmp_path)])
    assert capsys.readouterr().out == "removed: rest-em-6021\n"
    assert not log_of(tmp_path, "rest-em-6021").exists()


def test_runs_of_a_sweep_are_told_apart_and_no_column_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for rate in (1e-5, 1e-4):
        recipe = {"method": "scpo", "variant": "paper", "seed": 0, "training": {"learning_rate": rate}}
        made = [{"iteration": "1", "fingerprint": f"{rate}", "path": "", "key": "0" * 64}]
        write_run(tmp_path, Run(id=f"scpo-{rate}", recipe=recipe, checkpoints=made))
    monkeypatch.setenv("COLUMNS", "80")
    main(["runs", "--home", str(tmp_path)])
    told = capsys.readouterr().out
    assert "…" not in told
    assert [line.split()[-1] for line in told.splitlines() if line.startswith(("run", "scpo"))] == [
        "disk",
        "B",
        "B",
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_runs_from_their_making_to_their_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path)]
    train = [
        "train",
        "--method",
        "sft",
        "--queries",
        "8",
        "--no-eval",
        "--set",
        "training.batch_size=8",
        *home,
    ]
    made = json.loads(
        said(capsys, *train, "--set", "training.micro_batch_size=8", "--seeds", "0,1", "--json")
    )
    assert {one["run"] for one in made} == {run.id for run in read_runs(tmp_path)}
    [checkpoint] = made[0]["checkpoints"]
    assert Path(checkpoint["path"]).resolve() == Path(checkpoint["artifact"]).resolve()
    assert len(checkpoint["path"]) < len(checkpoint["artifact"]) - 40
    log = log_of(tmp_path, made[0]["run"]).read_text()
    assert "SFT: sampling" in log, "what stages say as well"
    assert "training: " in log

    rows: list[dict[str, Any]] = json.loads(said(capsys, "runs", "--json", *home))
    assert {row["what"]: row["state"] for row in rows} == {"sft seed 0": "finished", "sft seed 1": "finished"}
    whole = sum(path.stat().st_size for path in (tmp_path / "artifacts").rglob("*") if path.is_file())
    assert 0.3 * whole < rows[0]["bytes"] < whole
    assert all(row["seconds"] > 0 for row in rows)
    assert "sft seed 1" in said(capsys, "runs", *home)
    text = said(capsys, "runs", "show", made[1]["run"], *home)
    assert "seed = 1" in text
    assert made[1]["checkpoints"][0]["path"] in text

    assert garbage(tmp_path) == ([], 0)
    said(capsys, "runs", "rm", made[0]["run"], *home)
    assert not Path(checkpoint["path"]).is_symlink()
    assert [run.id for run in read_runs(tmp_path)] == [made[1]["run"]]
    gone, held = garbage(tmp_path)
    assert sorted(path.parent.name for path in gone) == ["checkpoint", "collection", "training-set"]
    assert Path(checkpoint["artifact"]).parent in gone, "the queries are shared with the other run"
    assert held > 0
    said(capsys, "runs", "gc", *home)
    assert all(path.exists() for path in gone)
    assert "3 artifacts" in said(capsys, "runs", "gc", "--delete", *home)
    assert not any(path.exists() for path in gone)
    assert [one.path for one in Store(tmp_path).all("checkpoint")] == [
        Path(made[1]["checkpoints"][0]["artifact"]).parent
    ]
