"""What users type: every bad input is one clear line and exit code 2, and leaves nothing half-written."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genius_bench.cli import main
from genius_bench.cli.options import LOOK, SCORED, WHAT, WHERE
from genius_bench.printing import counted
from genius_bench.progress import duration
from tests.engines.conftest import build

QUERY = '{"id": "a", "query": "Name a colour."}\n'


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a bad command prints."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def corpus(folder: Path, content: str | bytes) -> str:
    path = folder / "corpus.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "geniu"], "did you mean 'genius'"),
        (["--variant", "releasd"], "did you mean 'released'"),
        (["--objective", "aco2"], "did you mean 'aco'"),
        (["--set", "training.learning_rat=1e-5"], "did you mean 'learning_rate'"),
        (["--set", "trainin.learning_rate=1e-5"], "did you mean 'training'"),
        (["--set", "sampling.beam_sice=3"], "did you mean 'beam_size'"),
        (["--set", "objective.betta=3"], "did you mean 'beta'"),
        (["--set", "training.learning_rate=-1"], "training.learning_rate = -1"),
        (["--set", "training.learning_rate=fast"], "training.learning_rate = 'fast'"),
        (["--set", "sampling.tau=0"], "sampling.tau = 0"),
        (["--set", "training.batch_size=64", "--set", "training.micro_batch_size=48"], "not a multiple"),
        (["--set", "corpus=magpie"], "corpus = 'magpie'"),
        (["--set", "objective.name=1"], "unknown objective '1'"),
        (["--set", "training.learning_rate"], "section.key=value"),
        (["--suite", "resoning"], "did you mean 'reasoning'"),
        (["--engine", "hff"], "did you mean 'hf'"),
        (["--model", "/no/such/model"], "no model at"),
        (["--corpus", "nothing.jsonl"], "does not exist"),
        (["--recipe", "/no/such/recipe.yaml"], "cannot read recipe"),
        (["--nonsense"], "No such option"),
        (["--method", "star", "--objective", "dpo"], "makes demonstrations: --objective sft"),
        (["--method", "placebo", "--variant", "imitation", "--objective", "dpo"], "makes demonstrations"),
        (["--method", "scpo", "--objective", "aco"], "rows of method 'scpo' have none: --objective scpo"),
        (["--method", "spin", "--set", "training.reference=recorded"], "leave it out (recompute)"),
    ],
)
def test_bad_options(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert said in fails(capsys, "train", "--home", str(home), *arguments)
    assert not (home / "artifacts").exists()
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        (QUERY + '{"id": "b", "query": \n', "line 2"),
        (QUERY + '{"id": "b", "query": ""}\n', "no query"),
        (QUERY + QUERY, "repeats the id 'a'"),
        (QUERY.encode() + b'{"id": "b", "query": "\xff\xfe"}\n', "line 2"),
        (QUERY + json.dumps({"id": "long", "query": "word " * 100_000}) + "\n", "'long' is 5"),
    ],
)
def test_bad_corpora(
    content: str | bytes, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    path = corpus(tmp_path, content)
    assert said in fails(capsys, "train", "--home", str(home), "--corpus", path)
    assert not (home / "artifacts").exists()


def test_bad_models(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text("{}")
    home = str(tmp_path / "home")
    assert "no weights" in fails(capsys, "eval", str(empty), "--suite", "lab", "--home", home)
    (empty / "pytorch_model.bin").write_bytes(b"x")
    assert "convert to safetensors" in fails(capsys, "eval", str(empty), "--suite", "lab", "--home", home)
    bare = build("neox", tmp_path / "neox")
    capsys.readouterr()
    assert "no chat template" in fails(
        capsys, "train", "--model", str(bare), "--home", home, "--suite", "lab"
    )


def test_a_home_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot write to" in fails(capsys, "train", "--home", "/proc/genius-bench")


def test_a_broken_recipe_names_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("training:\n  learning_rate: [1\n")
    assert "line 3" in fails(capsys, "train", "--recipe", str(recipe), "--home", str(tmp_path / "home"))


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from genius_bench.errors import InputError

    with pytest.raises(InputError):
        main(["train", "--method", "geniu", "--debug", "--home", str(tmp_path)])


def test_rich_is_imported_where_something_is_drawn() -> None:
    script = "import sys; from genius_bench.cli import commands; assert 'rich' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_command_that_has_processes_do_the_work_does_not_import_what_they_need() -> None:
    """Each would be seconds of every evaluation, beside the server that imports them for all its processes."""
    heavy = "{'torch', 'transformers', 'datasets', 'lm_eval', 'pyarrow', 'scipy'} & set(sys.modules)"
    script = f"import sys, genius_bench.cli.evaluate, genius_bench.pipeline; assert not {heavy}, {heavy}"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['genius-bench', '--help']\n"
        "from genius_bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'transformers', 'datasets', 'lm_eval', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "train" in result.stdout


@pytest.mark.parametrize("listing", ["methods", "objectives", "tasks", "corpora"])
def test_listings_are_lists_of_named_objects(listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([listing, "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(row["name"] for row in rows)


def test_an_engine_that_is_not_installed_is_told_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genius_bench.engines.installed.find_spec", lambda name: None)
    for command in (["train", "--corpus", "nobody/reads-this"], ["eval", "lab", "--suite", "lab_words"]):
        for engine, package in (("vllm", "genius-bench[vllm]"), ("ray:hf", "genius-bench[ray]")):
            assert package in fails(capsys, *command, "--engine", engine, "--home", str(tmp_path))


def test_an_empty_home_has_nothing_to_inspect(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert f"no runs in {tmp_path}: 'genius-bench train'" in fails(capsys, "inspect", "--home", str(tmp_path))


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    """Its client retries, which takes a while and is told once."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "TRANSFORMERS_", "GENIUS_BENCH_"))
    }
    command = [
        sys.executable,
        "-m",
        "genius_bench",
        "train",
        "--corpus",
        "owner/name",
        "--home",
        str(tmp_path),
    ]
    done = subprocess.run(
        command,
        env=environment | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("error: cannot read data set owner/name from the hub")


def test_tasks_are_verified_by_suite_as_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tasks", "verify", "--suite", "lab_words", "--json"])
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["lab_words"]


@pytest.mark.parametrize("listing", ["methods", "objectives", "tasks", "corpora"])
def test_listings_break_no_word_at_80_columns(
    listing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main([listing, "--json"])
    told = json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False)
    main([listing])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    words = [word.strip(",:") for word in printed.split() if word.strip(",:").isalpha() and len(word) > 3]
    heads = {
        "labels",
        "need",
        "rounds",
        "sampled",
        "judged",
        "trained",
        "others",
        "paper's",
        "offline",
        "controls",
        "parameters",
    }
    assert not [
        word for word in words if word not in heads and not re.search(rf"(?<![a-zA-Z]){word}(?![a-z])", told)
    ]


def test_objectives_are_listed_without_torch() -> None:
    script = (
        "import sys; from genius_bench.cli import main; main(['objectives', '--json'])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_shells_complete_the_names_of_plugins() -> None:
    environment = os.environ | {
        "_GENIUS_BENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "genius-bench train --method ge",
        "COMP_CWORD": "3",
    }
    command = [
        sys.executable,
        "-c",
        "import sys; sys.argv[0] = 'genius-bench'; from genius_bench.cli import main; main()",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["genius"]


def test_help_of_train_groups_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--help"])
    said = capsys.readouterr().out
    places = [said.index(title) for title in (WHAT, WHERE, SCORED, LOOK, "Examples:")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (41.6, "42 s"),
        (425, "7 min 05 s"),
        (54426, "15 h 07 min"),
        (97200, "1 d 03 h"),
        (3599.7, "1 h 00 min"),
    ],
)
def test_long_times_are_told_as_people_do(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_one_thing_is_no_several() -> None:
    assert [counted(number, "run") for number in (0, 1, 2, 12000)] == [
        "0 runs",
        "1 run",
        "2 runs",
        "12,000 runs",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("group", [True, False], ids=["the whole group", "the command alone"])
def test_ctrl_c_ends_a_stage_and_says_how_to_go_on(group: bool, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "genius_bench",
        "eval",
        "lab",
        "--suite",
        "lab_words",
        "--samples",
        "400",
    ]
    with subprocess.Popen(
        [*command, "--home", str(tmp_path)],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job would ignore it
    ) as process:
        assert process.stderr
        while "answers" not in process.stderr.readline():
            assert process.poll() is None
        (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; run the same command again" in errors
    assert "Traceback" not in errors


def test_everything_that_is_missing_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genius_bench", "eval", "lab", "--suite", "lab_words,gsm8k,logiqa"]
    done = subprocess.run(
        [*command, "--data", str(tmp_path), "--home", str(tmp_path / "home")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "2 of 3 tasks cannot be had" in done.stderr
    assert "--suite lab_words" in done.stderr
    assert "answers" not in done.stderr
