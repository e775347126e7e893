"""Plans for hardware that is not here: every number follows by hand from the recipe and what was given."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from genius_bench.cli import main
from genius_bench.planning.planner import plan
from genius_bench.planning.throughput import parse_throughput
from genius_bench.reporting.plan import show_plan
from genius_bench.resolution import resolve
from tests.planning.models import LLAMA_8B, PARAMETERS_8B, config_only

SPEED = parse_throughput("sampling=2500,training=9000", needed=("sampling", "training"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An 8B configuration without weights or tokenizer, and 25,000 questions of 40 bytes."""
    folder = tmp_path_factory.mktemp("given")
    model = config_only(LLAMA_8B, folder / "8b")
    corpus = folder / "queries.jsonl"
    lines = [
        json.dumps({"id": f"{number}", "query": f"Question {number:05d}".ljust(40, ".")})
        for number in range(25_000)
    ]
    corpus.write_text("\n".join(lines))
    return {"model": str(model), "corpus": {"name": str(corpus), "queries": 25_000}}


def printed(capsys: pytest.CaptureFixture[str], home: Path, recipe: dict[str, Any], *more: str) -> Any:
    arguments = ["train", "--model", recipe["model"], "--corpus", recipe["corpus"]["name"]]
    arguments += ["--queries", "25000", "--dry-run", "--home", str(home)]
    main([*arguments, *more])
    return capsys.readouterr().out


def test_an_8b_recipe_on_a_laptop(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Foresight: 2 beams × 4 rollouts × 4 steps are 32 responses of a step and a look-ahead, 1,024 tokens each at most;
    prompts are 40 bytes / 4 + 1 tokens; 4 pairs are trained on."""
    home = tmp_path / "home"
    text = printed(capsys, home, recipe, "--no-eval", "--json", "--throughput", "sampling=2500,training=9000")
    found = json.loads(text)
    sample, train = found["parts"][0]["steps"]
    assert sample["requests"] == {"value": 25_000 * 32 * 2, "source": "assumed"}
    assert sample["sampled"]["value"] == 25_000 * 32 * 2048
    assert sample["read"]["value"] == 25_000 * 64 * 11
    assert sample["seconds"]["value"] == pytest.approx(25_000 * 32 * 2048 / 2500)
    assert train["trained"]["value"] == 25_000 * 8 * (11 + 2048)
    assert train["seconds"]["value"] == pytest.approx(25_000 * 8 * 2059 / 9000)
    assert train["stored"] == {"value": 2 * PARAMETERS_8B, "source": "counted"}
    sampling, training = found["parts"][0]["memory"]
    assert sampling["parts"]["weights"]["value"] == 2 * PARAMETERS_8B
    certain = ("weights", "gradients", "optimiser states")
    assert sum(training["parts"][name]["value"] for name in certain) == 16 * PARAMETERS_8B
    assert found["total"]["device_seconds"]["value"] == pytest.approx(
        sample["seconds"]["value"] + train["seconds"]["value"]
    )
    assert any("upper bounds" in note for note in found["notes"])
    assert not home.exists(), "a plan by given speeds leaves nothing behind"


def test_an_online_method_asks_anew_in_every_epoch(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group of 8 is drawn by the policy and by its teacher and trained on; the reference reads it at every step, at a
    third of what training on a token takes. 2 epochs of 25,000 × 8 responses in batches of 1,024 are 392 steps."""
    given = ["--throughput", "sampling=2500,training=9000", "--response-tokens", "300", "--json"]
    online = ["--method", "co-rewarding", "--set", "training.epochs=2", "--eval-every", "100", "--no-eval"]
    found = json.loads(printed(capsys, tmp_path, recipe, *given, *online))
    sample, train = found["parts"][0]["steps"]
    assert sample["requests"]["value"] == 2 * 25_000 * 16
    assert sample["sampled"]["value"] == 2 * 25_000 * 16 * 300
    assert sample["seconds"]["value"] == pytest.approx(2 * 25_000 * 16 * 300 / 2500)
    trained = 2 * 25_000 * 8 * (11 + 300)
    assert train["trained"]["value"] == train["read"]["value"] == trained
    assert train["seconds"]["value"] == pytest.approx(trained * 4 / 3 / 9000)
    assert train["stored"]["value"] == 4 * 2 * PARAMETERS_8B, "after 100, 200, 300 steps and at the end"
    _, training = found["parts"][0]["memory"]
    assert training["parts"]["models beside"]["value"] == 2 * training["parts"]["weights"]["value"]


@pytest.mark.slow
def test_usual_lengths_and_many_devices(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = ["--engine", "ray:vllm", "--workers", "4", "--set", "engine.tensor_parallel=2"]
    spread += ["--launcher", "torchrun", "--processes", "8", "--machines", "one,two", "--sharding", "zero3"]
    given = ["--throughput", "sampling=2500,training=9000", "--response-tokens", "300"]
    found = json.loads(printed(capsys, tmp_path, recipe, "--no-eval", "--json", *given, *spread))
    sample, train = found["parts"][0]["steps"]
    assert sample["sampled"]["value"] == 25_000 * 32 * 300
    assert sample["seconds"]["value"] == pytest.approx(25_000 * 32 * 300 / (2500 * 8))
    assert sample["device_seconds"]["value"] == pytest.approx(25_000 * 32 * 300 / 2500)
    assert train["seconds"]["value"] == pytest.approx(25_000 * 8 * 311 / (9000 * 16))
    sampling, training = found["parts"][0]["memory"]
    assert sampling["parts"]["weights"]["value"] == PARAMETERS_8B
    assert training["parts"]["optimiser states"]["value"] == 8 * PARAMETERS_8B / 16


@pytest.mark.slow
def test_checkpoints_on_the_way_are_stored_and_scored(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """100,000 pairs in batches of 64 are 1,563 steps: after 500, 1,000 and 1,500 of them a checkpoint is kept."""
    given = ["--throughput", "sampling=2500,training=9000", "--suite", "lab_words", "--json"]
    batch = ["--set", "training.batch_size=64", "--set", "training.epochs=1"]
    plain = json.loads(printed(capsys, tmp_path, recipe, *given, *batch))
    found = json.loads(printed(capsys, tmp_path, recipe, *given, *batch, "--eval-every", "500"))
    scored = list(
        dict.fromkeys(step["model"] for step in found["parts"][0]["steps"] if step["kind"] == "evaluate")
    )
    assert scored[1:] == ["genius 1", *(f"genius 1 step {step}" for step in (500, 1_000, 1_500))]
    assert {step["state"] for step in found["parts"][0]["steps"]} == {"to make"}
    more = found["total"]["sampled"]["value"] - plain["total"]["sampled"]["value"]
    assert more == pytest.approx(3 * 200 * 5 * 200), "five answers of 200 tokens an item, and no controls"
    [trained] = [step for step in found["parts"][0]["steps"] if step["kind"] == "optimise"]
    assert trained["stored"]["value"] == 4 * 2 * PARAMETERS_8B


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80])
def test_readable_on_narrow_terminals(
    width: int,
    recipe: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    given = ["--throughput", "sampling=2500,training=9000"]
    lines = printed(capsys, tmp_path, recipe, "--suite", "lab", *given).splitlines()
    assert max(len(line) for line in lines) <= width
    [row] = [line.split() for line in lines if line.startswith("sample 1")]
    assert row == ["sample", "1", "1.6Mᵃ", "17.6Mᵃ", "1.64Gᵃ", "–", "182.0", "hᵃ"]
    assert "ᵃ assumed" in " ".join(" ".join(lines).split())


@pytest.mark.slow
def test_work_that_recipes_share_counts_once(recipe: dict[str, Any], tmp_path: Path) -> None:
    """Two objectives on one method: sampled once, trained twice, and the base scored once."""
    scored = {"evaluation": {"suite": "lab_words"}}
    recipes = [resolve(recipe, scored, {"objective": {"name": name}}) for name in ("aco", "dpo")]
    together = plan(tmp_path, recipes, throughput=SPEED)
    alone = [plan(tmp_path, [one], throughput=SPEED) for one in recipes]
    states = [[step.state for step in part.steps] for part in together.parts]
    # Each model is asked on its board's terms, at three lower temperatures, and four times on the tuning items.
    assert states[0] == ["to make"] * (2 + 8 + 8)
    assert states[1] == ["planned above", "to make", *["planned above"] * 8, *["to make"] * 8]
    assert together.total.sampled.value == pytest.approx(
        alone[0].total.sampled.value + (200 * (5 + 3) + 50 * (2 + 3)) * 200, abs=1
    ), (
        "of the second recipe only its checkpoint's answers of 200 tokens: to 200 items, and to 50 tuning items"
    )
    assert together.total.trained.value == 2 * alone[0].total.trained.value
    console = Console(file=io.StringIO(), width=60)
    show_plan(together, console)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("fast", "write it as --throughput sampling="),
        ("sampling=2500", "'training' is missing"),
        ("sampling=2500,training=0", "training = '0' is not a number above 0"),
        ("sampling=2500,training=nan", "training = 'nan'"),
        ("sampling=many,training=3", "sampling = 'many'"),
        ("sampling=1,trainin=2", "did you mean 'training'"),
        ("sampling=1,sampling=2,training=3", "given twice"),
    ],
)
def test_a_wrong_throughput_is_one_clear_line(
    given: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--dry-run", "--throughput", given, "--home", str(tmp_path / "home")])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("option", [["--throughput", "scoring=3"], ["--response-tokens", "3"]])
def test_options_of_plans_need_a_plan(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["train"], ["eval", "lab"]):
        with pytest.raises(SystemExit):
            main([*command, *option])
        assert f"{option[0]} is about plans: it needs --dry-run" in capsys.readouterr().err


def test_a_judge_is_counted_before_it_is_paid(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """AlpacaEval compares in both orders, WildBench rates: 10 greedy answers each make 20 and 10 calls. Questions are
    assumed to be of 250 tokens, answers as long as the limits of the tasks (2,048 and 4,096)."""
    judge = ["--judge", "some-judge", "--judge-url", "http://127.0.0.1:9/v1"]
    prices = ["--set", "evaluation.judge.input_price=2", "--set", "evaluation.judge.output_price=8"]
    command = ["eval", recipe["model"], "--suite", "alpaca_eval,wildbench", "--limit", "10", "--dry-run"]
    command += ["--throughput", "scoring=1000", "--json", "--home", str(tmp_path / "home")]
    main([*command, *judge, *prices])
    found = json.loads(capsys.readouterr().out)
    total, written = found["total"], 30 * 1024
    read = 20 * (250 + 2 * 2048) + 10 * (250 + 4096)
    assert total["judge_calls"]["value"] == 30
    assert total["judge_tokens"]["value"] == read + written
    assert total["judge_cost"]["value"] == pytest.approx((2 * read + 8 * written) / 1e6)
    assert total["seconds"]["value"] == pytest.approx(10 * (2048 + 4096) / 1000)
    assert not (tmp_path / "home").exists()
