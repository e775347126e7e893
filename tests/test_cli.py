"""What users type: every bad input is one clear line and exit code 2, and leaves nothing half-written."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genius_bench.cli import main
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
