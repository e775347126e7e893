"""Where the built environment and the real items are, and small items in the hub's columns."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass import environment

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("GENIUS_BENCH_TEST_DATA") or ROOT.parent / "shared" / "data")
HOME = Path(os.environ.get("GENIUS_BENCH_HOME") or Path.home() / ".genius-bench")

Row = dict[str, Any]


def built_environment() -> Path:
    """OpenCompass' environment; the test is skipped where there is none."""
    try:
        return environment.find(HOME)
    except GeniusBenchError as error:
        pytest.skip(f"{error} (or name one with {environment.VARIABLE})")


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def mmlu_rows() -> list[Row]:
    return [
        {"question": "2 + 2?", "subject": "abstract_algebra", "choices": ["3", "4", "5", "6"], "answer": 1},
        {"question": 'Say "a, b".', "subject": "anatomy", "choices": ["x", "y", "z", "w"], "answer": 3},
        {"question": "3 + 3?", "subject": "abstract_algebra", "choices": ["6", "7", "8", "9"], "answer": 0},
    ]


def prompt_of(text: str) -> list[Row]:
    """As OpenCompass saves a prompt."""
    return [{"role": "HUMAN", "prompt": text}]
