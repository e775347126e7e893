"""The answers that OpenCompass' judged benchmarks compare a checkpoint's with, wherever they come from."""

import json
from pathlib import Path

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import load_baseline
from genius_bench.opencompass.benchmarks import Benchmark

Baselines = dict[str, dict[str, str]]


def load_baselines(card: TaskCard, benchmark: Benchmark, folder: str | None) -> Baselines:
    """Model to compare with → item key → its answer. Raises `InputError` where they cannot be had.

    AlpacaEval and Arena-Hard name their baseline in the task file. OpenCompass' WildBench compares with three models,
    whose answers are read from `<data>/wildbench/<model>.jsonl` (columns `session_id` and `output`).
    """
    if len(benchmark.baselines) == 1:
        return {benchmark.baselines[0]: load_baseline(card, folder)}
    return {name: _from_file(card, name, folder) for name in benchmark.baselines}


def _from_file(card: TaskCard, name: str, folder: str | None) -> dict[str, str]:
    if folder is None:
        raise InputError(
            f"task '{card.name}': OpenCompass compares with answers of {name}, which are on no hub in its form: give "
            f"a local folder with evaluation.data, and in it {card.name}/{name}.jsonl"
        )
    path = Path(folder).expanduser() / (card.facts.folder or card.name) / f"{name}.jsonl"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {str(row["session_id"]): str(row["output"]) for row in rows}
    except FileNotFoundError as error:
        raise InputError(
            f"task '{card.name}': OpenCompass compares with answers of {name}: {path} is missing"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    except KeyError as error:
        raise InputError(f"{path}: a row has no column {error}") from error
