import json
import os
from pathlib import Path

import pytest

from genius_bench import opencompass
from genius_bench.cli import main
from genius_bench.cli import setup as _registered  # noqa: F401
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.evaluation import sandbox
from genius_bench.opencompass import environment


@pytest.fixture(autouse=True)
def _no_named_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.VARIABLE, raising=False)


def fake_python(folder: Path, script: str) -> None:
    """A `bin/python` that is a shell script."""
    python = environment.python_of(folder)
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)


def test_what_to_do_without_one_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run genius-bench setup opencompass"):
        environment.find(tmp_path)


def test_a_half_built_one_counts_as_none_and_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = environment.place(tmp_path)
    fake_python(folder, f'echo "$@" >> {tmp_path}/calls; echo {environment.VERSION}')
    with pytest.raises(InputError, match="setup opencompass"):
        environment.find(tmp_path)
    said: list[str] = []
    assert environment.setup(tmp_path, said.append) == folder == environment.find(tmp_path)
    calls = (tmp_path / "calls").read_text()
    assert calls.count("-m pip install") == 1
    assert "-m venv" not in calls
    environment.setup(tmp_path, said.append)
    assert (tmp_path / "calls").read_text().count("-m pip install") == 1
    assert any("is there already" in text for text in said)


def test_an_environment_with_other_pins_is_brought_up_to_date(tmp_path: Path) -> None:
    folder = environment.place(tmp_path)
    fake_python(folder, f"echo {environment.VERSION}")
    (folder / environment.STAMP).write_text(json.dumps({"opencompass": environment.VERSION, "pins": "old"}))
    with pytest.raises(InputError):
        environment.find(tmp_path)


def test_an_environment_that_does_not_start_is_not_ready(tmp_path: Path) -> None:
    """As with a pyarrow that needs NumPy 2: `import opencompass` works, its command line does not."""
    folder = environment.place(tmp_path)
    clash = "ImportError: pyarrow requires NumPy 2.0 or newer"
    fake_python(folder, f'case "$2" in *cli.main*) echo "{clash}" >&2; exit 1;; esac')
    with pytest.raises(GeniusBenchError, match="pyarrow requires NumPy 2"):
        environment.setup(tmp_path, lambda _: None)
    with pytest.raises(InputError):
        environment.find(tmp_path)


def test_pip_errors_are_told(tmp_path: Path) -> None:
    fake_python(
        environment.place(tmp_path), "echo Collecting; echo 'ERROR: No matching distribution'; exit 1"
    )
    with pytest.raises(GeniusBenchError, match="pip install failed: ERROR: No matching distribution"):
        environment.setup(tmp_path, lambda _: None)


def test_another_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.VARIABLE, str(tmp_path / "mine"))
    with pytest.raises(InputError, match=environment.VARIABLE):
        environment.find(tmp_path)
    fake_python(tmp_path / "mine", f"echo {environment.VERSION}")
    assert environment.find(tmp_path) == tmp_path / "mine"
    assert environment.setup(tmp_path, lambda _: None) == tmp_path / "mine"
    fake_python(tmp_path / "mine", "echo 0.4.0")
    with pytest.raises(GeniusBenchError, match=r"holds OpenCompass 0\.4\.0"):
        environment.setup(tmp_path, lambda _: None)


def test_pins_hold_what_would_break_opencompass() -> None:
    pins = dict(
        line.split("==")
        for line in environment.CONSTRAINTS.read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert pins["opencompass"] == environment.VERSION
    assert int(pins["pyarrow"].split(".")[0]) < 25
    assert pins["numpy"].startswith("1.")
    assert "+" not in "".join(pins.values())


def test_an_environment_is_made_with_a_python_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    script = f'#!/bin/sh\necho "$@" >> {calls}\n'
    script += f'for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; echo {environment.VERSION}\n'
    base = tmp_path / "base"
    base.write_text(script, encoding="utf-8")
    base.chmod(0o755)
    monkeypatch.setattr(environment, "base_python", lambda: str(base))
    folder = environment.setup(tmp_path, lambda _: None)
    lines = calls.read_text().splitlines()
    assert lines[0] == f"-m venv --clear {folder}"
    assert lines[1].startswith("-m pip install")


def test_a_python_is_found_for_it() -> None:
    assert environment._version_of(environment.base_python()) in environment.PYTHONS


def test_the_command_knows_what_it_can_set_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_python(environment.place(tmp_path), f"echo {environment.VERSION}")
    main(["setup", "opencompass", "--home", str(tmp_path)])
    assert "is ready" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["setup", "opencompas", "--home", str(tmp_path)])
    assert ended.value.code == 2
    assert "did you mean 'opencompass'" in capsys.readouterr().err


def test_a_benchmark_that_cannot_be_scored_here_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not scored through OpenCompass" in str(opencompass.why_not("gsm8k"))
    assert opencompass.why_not("mmlu") is None
    monkeypatch.setattr(sandbox, "available", lambda: "no sandbox (apt install bubblewrap)")
    for task in ("mbpp", "livecodebench"):
        assert "unguarded: no sandbox (apt install bubblewrap)" in str(opencompass.why_not(task))
        assert opencompass.why_not(task, unsafe_code=True) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
def test_root_uses_a_python_that_others_can_read() -> None:
    assert not environment.base_python().startswith("/root") or not Path("/usr/bin/python3").exists()
