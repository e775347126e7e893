"""Runs OpenCompass in its own process and environment. What it did is read from its files, never from its exit code:
that is 0 even when every request failed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass.data_layout import Layout
from genius_bench.opencompass.environment import python_of
from genius_bench.opencompass.processes import last_lines, leashed
from genius_bench.printing import note

SHIM = Path(__file__).with_name("shim")
JOB = "run"
"""The name of the output folder: given, so that a second start continues the first."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Where one task's run lives: `folder/data` (items), `folder/out/run` (what OpenCompass writes), its logs."""

    task: str
    folder: Path
    environment: Path
    """Of OpenCompass."""

    @property
    def configuration(self) -> Path:
        return self.folder / "configuration.py"

    @property
    def output(self) -> Path:
        return self.folder / "out" / JOB

    def log(self, phase: str) -> Path:
        return self.folder / f"{phase}.log"


def command(python: Path | str, configuration: Path | str, phase: str) -> list[str]:
    """OpenCompass' command line, to be run in the job's folder."""
    program = [str(python), "-m", "opencompass.cli.main", str(configuration)]
    return [*program, "-w", "out", "-r", JOB, "-m", phase]


def variables(folder: Path | str, shim: Path | str, python: Path | str) -> dict[str, str]:
    """All that OpenCompass' processes know of the outside. The key is a stand-in: the relay has the real one."""
    return {
        "PATH": f"{Path(python).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": f"{folder}/home",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(shim),
        "COMPASS_DATA_CACHE": str(folder),
        "OPENAI_API_KEY": "none",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "NO_PROXY": "*",
    }


def run_phase(job: Job, phase: str) -> int:
    """Runs `infer` or `eval` to its end. The exit code says nothing; reading what it wrote does."""
    (job.folder / "home").mkdir(exist_ok=True)
    python = python_of(job.environment)
    environment = variables(job.folder, SHIM, python)
    line = command(python, job.configuration, phase)
    with leashed(line, log=job.log(phase), environment=environment, folder=job.folder) as process:
        return process.wait()


def predictions(job: Job, name: str, dataset: str) -> list[Json]:
    """The answers of model `name` to a data set, in its order. Raises `GeniusBenchError` where some are missing."""
    path = job.output / "predictions" / name / f"{dataset}.json"
    rows = _read(path)
    if not isinstance(rows, dict) or not rows or set(rows) != {str(number) for number in range(len(rows))}:
        raise GeniusBenchError(unfinished(job, "infer", f"there are no answers of '{name}' to {dataset}"))
    return [rows[str(number)] for number in range(len(rows))]


def check_predictions(job: Job, names: list[str], layout: Layout, answers_per_item: int) -> None:
    """Raises `GeniusBenchError` where answers are missing."""
    for name in names:
        for dataset, items in layout.items():
            found, wanted = len(predictions(job, name, dataset)), len(items) * answers_per_item
            if found != wanted:
                problem = f"'{name}' has {found} of {wanted} answers to {dataset}"
                raise GeniusBenchError(unfinished(job, "infer", problem))


def results(job: Job, folder: str, dataset: str) -> Json:
    """What the evaluation wrote. Raises `GeniusBenchError` where it wrote nothing, or only why it failed."""
    found = _read(job.output / "results" / folder / f"{dataset}.json")
    if not isinstance(found, dict) or not found:
        raise GeniusBenchError(unfinished(job, "eval", f"there are no results of {folder} on {dataset}"))
    if "error" in found:
        raise GeniusBenchError(unfinished(job, "eval", f"{dataset}: {found['error']}"))
    return found


def unfinished(job: Job, phase: str, problem: str) -> str:
    """A message with the end of the log in which the reason stands."""
    logs = sorted((job.output / "logs" / phase).glob("**/*.out"), key=lambda path: path.stat().st_mtime)
    log = logs[-1] if logs else job.log(phase)
    return (
        f"OpenCompass did not finish '{job.task}': {problem}; its log ends: {last_lines(log, 3)} (log: {log})"
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        note(f"{path} cannot be read: {error}")
        return None
