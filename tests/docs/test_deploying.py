"""What the guides hand out for other machines: a batch script, a container's recipe, a wheel."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.docs.printed import ROOT
from tests.plugins.installed import PIP

BIN = Path(sys.executable).parent
BATCH = ROOT / "docs" / "guides" / "genius-bench.sbatch"
TRAIN = ["--method", "star", "--queries", "64", "--no-eval", "--set", "sampling.iterations=1"]


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize(
    "script", [BATCH, ROOT / ".ci" / "run", ROOT / ".ci" / "release"], ids=lambda path: path.name
)
def test_shell_scripts_have_no_known_fault(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    subprocess.run([tool("shellcheck"), str(script)], check=True)


def test_the_containers_recipe_has_no_known_fault() -> None:
    subprocess.run([tool("hadolint"), str(ROOT / "Dockerfile")], check=True)


def test_the_container_is_given_all_that_a_wheel_is_made_from() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"]
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()
        if line.startswith("COPY ")
        for word in line.split()[1:-1]
    ]
    assert sorted(kept) == sorted(copied)
    packages = {"genius_bench", "trainers", "tasks", "leaderboards", "examples"}
    assert packages <= set(copied)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_job_at_the_end_of_its_time_is_put_back_and_goes_on(tmp_path: Path) -> None:
    tools, home = tmp_path / "tools", tmp_path / "home"
    tools.mkdir()
    scontrol = tools / "scontrol"
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    scontrol.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tools}:{BIN}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "17",
        "GENIUS_BENCH_HOME": str(home),
    }
    log = tmp_path / "log"

    def start() -> "subprocess.Popen[bytes]":
        with log.open("ab") as file:
            return subprocess.Popen(
                ["bash", str(BATCH), *TRAIN],
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    job = start()
    while not list(home.glob("artifacts/collection/*.partial")):  # a stage's own process is at work
        assert job.poll() is None, log.read_text("utf-8")
        time.sleep(0.1)
    job.send_signal(signal.SIGTERM)  # to the script alone, as --signal=B: does
    assert job.wait(timeout=120) == 0
    assert (tmp_path / "asked").read_text("utf-8").split() == ["requeue", "17"]
    deadline = time.monotonic() + 60
    while in_session(job.pid):
        assert time.monotonic() < deadline, "processes of the command outlive the job"
        time.sleep(0.2)
    assert "checkpoint:" not in log.read_text("utf-8")

    again = start()
    assert again.wait(timeout=900) == 0, log.read_text("utf-8")
    assert "checkpoint:" in log.read_text("utf-8")
    assert (tmp_path / "asked").read_text("utf-8").split() == ["requeue", "17"]


def in_session(leader: int) -> list[int]:
    """The processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def test_the_job_tells_how_the_command_ended(tmp_path: Path) -> None:
    command = ["bash", str(BATCH), "--method", "geniu"]
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "GENIUS_BENCH_HOME": str(tmp_path)}
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git would hand out, not from a folder with other builds in it."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    build = [PIP[0], "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(made), str(source)], check=True, capture_output=True)
    [built] = made.glob("*.whl")
    return built


def test_the_wheel_is_called_as_the_guide_calls_it(wheel: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "install.md").read_text("utf-8")
    assert f"dist/{wheel.name}" in guide
    with zipfile.ZipFile(wheel) as parts:
        [entry_points] = [name for name in parts.namelist() if name.endswith("entry_points.txt")]
        assert "genius-bench = genius_bench.cli:main" in parts.read(entry_points).decode()
        [metadata] = [name for name in parts.namelist() if name.endswith(".dist-info/METADATA")]
        text = parts.read(metadata).decode()
    extras = {line.split("`")[1] for line in guide.splitlines() if line.startswith("| `")}
    assert extras <= {line.split()[1] for line in text.splitlines() if line.startswith("Provides-Extra: ")}


def test_the_installed_wheel_lays_down_a_package(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([*PIP, "--target", str(tmp_path / "site"), str(wheel)], check=True, capture_output=True)
    code = "import genius_bench; print(genius_bench.__file__); from genius_bench.cli import main; main()"
    elsewhere = [place for place in sys.path if place and Path(place) != ROOT]
    beside = (
        f"import sys; sys.path[1:1] = {elsewhere!r}\n"  # without -S, an editable install would come first
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", beside + code, "new", "code-task", "my-task", "--into", str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "my-task" / "my_task" / "tasks" / "my_task" / "task.yaml").is_file()
