"""A loopback hub with a made-up model, corpus and data sets, and the real command against it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.engines.conftest import build
from tests.mirror.loopback_hub import Hub, Repository, serve

COMMAND = [sys.executable, "-c", "import genius_bench.cli.data; from genius_bench.cli import main; main()"]
PROBLEMS = [
    {"problem": f"What is {n} + 1?", "solution": rf"It is \boxed{{{n + 1}}}.", "answer": str(n + 1)}
    for n in range(500)
]
QUERIES = [{"query": f"Name {n} colours.", "response": "Red.", "note": None if n else "é"} for n in range(60)]
MODEL, CORPUS, TASK = "made/up-model", "made/queries", "math500"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = build("llama", tmp_path_factory.mktemp("model"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(model_files: dict[str, bytes]) -> Iterator[Hub]:
    lines = "".join(json.dumps(row) + "\n" for row in QUERIES).encode()
    extra = {"README.md": b"no", "pytorch_model.bin": b"no", "onnx/model.safetensors": b"no"}
    commit = "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be"  # as the task file pins it
    repositories = {
        MODEL: Repository({**model_files, **extra}),
        f"datasets/{CORPUS}": Repository({"train.jsonl": lines}),
        "datasets/HuggingFaceH4/MATH-500": Repository({"test.parquet": parquet(PROBLEMS)}, commit),
    }
    with serve(repositories) as served:
        yield served


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """Of a machine that reaches the loopback hub and has nothing in its cache."""
    names = (
        "GENIUS_BENCH_OFFLINE",
        "HF_HUB_OFFLINE",
        "HF_DATASETS_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HF_TOKEN",
    )
    inherited = {key: value for key, value in os.environ.items() if key not in names}
    here = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    return {**inherited, **here, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "HF_HUB_DISABLE_TELEMETRY": "1"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, code: int = 0, **more: str) -> "subprocess.CompletedProcess[str]":
        command = [*COMMAND, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**environment, **more}, timeout=300
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run
