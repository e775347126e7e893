"""What cannot fit is told in one line before anything starts, and what is advised instead does fit."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from genius_bench.cli import main
from genius_bench.errors import InputError
from genius_bench.planning import fitting
from genius_bench.planning.fitting import refuse_training, sampling_problem, training_problem
from genius_bench.planning.machine import Machine, group_limits
from genius_bench.planning.weights import Weights
from genius_bench.recipe import EngineSection, LaunchSection, Recipe, TrainingSection
from genius_bench.resolution import resolve
from genius_bench.runs import Run, write_run
from tests.planning.models import LLAMA_70B, PARAMETERS_8B, PARAMETERS_70B, config_only

GIB = 2**30
LAPTOP = Machine((), "processor", 16 * GIB)
NODE = Machine((80 * GIB,) * 8, "H100", 1024 * GIB)
MODEL_8B = Weights(PARAMETERS_8B, "bfloat16")
MODEL_70B = Weights(PARAMETERS_70B, "bfloat16")


def test_an_8b_model_on_one_80_gib_device() -> None:
    """16 bytes a weight are 119.7 GiB; sampling in bfloat16 takes 15.0."""
    engine, training, launch = EngineSection(), TrainingSection(), LaunchSection()
    assert sampling_problem("8b", MODEL_8B, engine, NODE) is None
    problem = training_problem("8b", MODEL_8B, training, launch, NODE)
    assert problem is not None
    assert "119.7 GiB" in problem
    assert "a device (H100) has 80.0 GiB" in problem
    assert "training.lora.rank=16" in problem
    assert "--sharding zero3 --processes 2" in problem


@pytest.mark.parametrize(("weights", "devices"), [(MODEL_8B, 2), (MODEL_70B, 15)])
def test_the_advised_number_of_devices_is_the_smallest_that_fits(weights: Weights, devices: int) -> None:
    def problem(processes: int) -> object:
        values = {"launcher": "torchrun", "processes": processes, "sharding": "zero3"}
        return training_problem("m", weights, TrainingSection(), LaunchSection.model_validate(values), NODE)

    alone = training_problem("m", weights, TrainingSection(), LaunchSection(), NODE)
    assert alone is not None
    assert f"--processes {devices}" in alone
    assert ("this machine has 8" in alone) == (devices > 8)
    assert problem(devices) is None
    assert devices == 2 or problem(devices - 1) is not None


def test_processes_on_one_processor_share_its_memory() -> None:
    small = Weights(int(0.6 * GIB), "float32")  # 9.6 GiB of states
    assert training_problem("m", small, TrainingSection(), LaunchSection(), LAPTOP) is None
    two = LaunchSection(launcher="torchrun", processes=2)
    problem = training_problem("m", small, TrainingSection(), two, LAPTOP)
    assert problem is not None
    assert "19.2 GiB in its 2 processes" in problem


def test_engines_on_other_machines_are_not_judged_by_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sampling_problem("70b", MODEL_70B, EngineSection(), LAPTOP) is not None
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert sampling_problem("70b", MODEL_70B, EngineSection(name="ray:hf"), LAPTOP) is None
    monkeypatch.setenv("RAY_ADDRESS", "")  # a cluster of our own, which is this machine
    assert sampling_problem("70b", MODEL_70B, EngineSection(name="ray:hf"), LAPTOP) is not None


def test_parts_and_copies_share_the_memory_of_a_processor() -> None:
    """3 GiB of weights in float32 are 12 GiB, however many processes divide them; two copies are 24."""
    weights = Weights(3 * GIB, "float32")
    for fields, fits in [
        ({"name": "vllm"}, True),
        ({"name": "vllm", "tensor_parallel": 2}, True),
        ({"name": "vllm", "data_parallel": 2}, False),
        ({"name": "ray:hf", "workers": 2}, False),
    ]:
        problem = sampling_problem("m", weights, EngineSection.model_validate(fields), LAPTOP)
        assert (problem is None) == fits, fields
        assert problem is None or "24.0 GiB (float32, 2 copies)" in problem
    divided = EngineSection(name="vllm", tensor_parallel=4)
    assert sampling_problem("m", Weights(6 * GIB, "float32"), divided, LAPTOP) is not None


def test_more_devices_than_there_are() -> None:
    engine = EngineSection(name="vllm", tensor_parallel=8, data_parallel=2)
    problem = sampling_problem("8b", MODEL_8B, engine, NODE)
    assert problem is not None
    assert "take 16 devices, and this machine has 8" in problem
    assert sampling_problem("8b", MODEL_8B, EngineSection(name="vllm", tensor_parallel=8), NODE) is None


@pytest.mark.parametrize(
    "plan", [[], ["--dry-run"], ["--dry-run", "--throughput", "sampling=100,training=100"]]
)
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--launcher", "torchrun", "--processes", "3"], "is not a multiple"),
        (["--engine", "openai"], "engine.url"),
        (["--engine", "openai", "--set", "engine.url=http://127.0.0.1:9/v1", "-m", "spin"], "iterations"),
        (["--engine", "openai", "--set", "engine.url=http://me:word@host/v1"], "leave out user, password"),
        (["--engine", "ray:openai", "--set", "engine.url=http://127.0.0.1:9/v1"], "use --engine openai"),
        (["--set", "engine.tensor_parallel=4"], "need vLLM"),
        (["--set", "engine.url=http://127.0.0.1:9/v1"], "--engine openai"),
    ],
)
def test_a_plan_refuses_what_a_run_refuses(
    options: list[str], reason: str, plan: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--no-eval", "--queries", "4", *options, *plan, "--home", str(tmp_path)])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert reason in line


def test_a_server_is_not_tried_by_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens there."""
    server = ["--engine", "openai", "--set", "engine.url=http://127.0.0.1:9/v1", "--home", str(tmp_path)]
    given = ["--dry-run", "--throughput", "sampling=100,training=100,scoring=100"]
    main(["train", *server, *given])
    assert "sample" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["train", *server, "--dry-run"])
    assert ended.value.code == 2
    assert "--throughput" in capsys.readouterr().err


def test_bfloat16_is_advised_where_it_fits() -> None:
    problem = sampling_problem("m", Weights(6 * GIB, "bfloat16"), EngineSection(), LAPTOP)
    assert problem is not None
    assert "engine.precision=bfloat16" in problem
    half = EngineSection(precision="bfloat16")
    assert sampling_problem("m", Weights(6 * GIB, "bfloat16"), half, LAPTOP) is None


@pytest.mark.parametrize(
    "command", [["train", "--no-eval"], ["train", "--dry-run"], ["eval", "--dry-run"], ["eval"]]
)
def test_a_70b_model_is_refused_in_one_line_and_nothing_is_written(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, model = tmp_path / "home", config_only(LLAMA_70B, tmp_path / "model")
    where = [str(model), "--suite", "lab"] if command[0] == "eval" else ["--model", str(model)]
    with pytest.raises(SystemExit) as ended:
        main([command[0], *where, *command[1:], "--home", str(home)])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert re.search(r"cannot fit: its 70\.6 billion weights take 262\.8 GiB .* has \d+\.\d GiB", line)
    assert not [file for file in home.rglob("*") if file.is_file()]


def test_no_room_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """867,712 weights of the lab model: 4 bytes each in the checkpoint and 12 in a state are 13.2 MiB."""
    recipe = resolve({}).recipe
    monkeypatch.setattr(fitting, "free_on_disk", lambda folder: 14 * 2**20)
    refuse_training(tmp_path, recipe)
    monkeypatch.setattr(fitting, "free_on_disk", lambda folder: 12 * 2**20)
    with pytest.raises(InputError, match=r"no space left .* 13\.2 MiB, and 12\.0 MiB are free"):
        refuse_training(tmp_path, recipe)


def test_what_was_run_elsewhere_is_found_and_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = resolve({"model": "lab"}).recipe
    monkeypatch.setattr(fitting, "this_machine", lambda: Machine((), "processor", 2**20))
    with pytest.raises(InputError, match="cannot fit"):
        refuse_training(tmp_path, recipe)
    write_run(tmp_path, Run(id="genius-1", recipe=recipe.model_dump()))
    spread = recipe.model_copy(
        update={"launch": LaunchSection(launcher="torchrun", processes=2, sharding="zero3")}
    )
    refuse_training(tmp_path, spread)
    with pytest.raises(InputError, match="cannot fit"):
        refuse_training(tmp_path, Recipe.model_validate(recipe.model_dump() | {"seed": 1}))


def test_the_check_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom genius_bench.planning.fitting import refuse_training\n"
        "from genius_bench.recipe import Recipe\n"
        f"refuse_training(Path({str(tmp_path)!r}), Recipe())\n"
        "heavy = {'torch', 'transformers', 'datasets', 'lm_eval', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("own", "files", "limits"),
    [
        ("0::/user/job\n", {"user/job/memory.max": "1000", "user/memory.max": "max"}, [1000]),
        ("0::/user/job\n", {"user/job/memory.max": "1000", "user/memory.max": "800"}, [1000, 800]),
        ("0::/../outside\n", {"memory.max": "700"}, [700]),
        ("4:memory:/docker/x\n0::/\n", {"memory/memory.limit_in_bytes": "600"}, [600]),
        ("4:cpu,memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, []),
        ("4:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "5"}, []),
    ],
)
def test_limits_of_cgroups(own: str, files: dict[str, str], limits: list[int], tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(text + "\n")
    (tmp_path / "own").write_text(own)
    assert group_limits(tmp_path / "own", tmp_path / "fs") == limits


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = config_only(LLAMA_70B, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{broken")
    recipe = Recipe.model_validate(json.loads(json.dumps({"model": str(folder)})))
    with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
        refuse_training(tmp_path, recipe)
