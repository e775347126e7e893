"""A real server of vLLM's behind the openai engine, started as OpenCompass' stage starts it, and asking for a key."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest

from genius_bench.engines.endpoint import Endpoint
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import ModelFiles, resolve_model
from genius_bench.engines.openai import OpenAIEngine
from genius_bench.engines.policy_server import open_sampler
from genius_bench.engines.rendering import render
from genius_bench.errors import InputError
from genius_bench.http_client import EndpointError
from genius_bench.lab import MODEL_PATH
from genius_bench.opencompass import serving
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message
from tests.engines.vllm_support import (
    NEEDS_VLLM,
    forced_logprobs,
    generate,
    generate_in_turn,
    lab_requests,
    listening,
    perturbed,
)

pytestmark = NEEDS_VLLM
KEY = "sk-a-key-that-must-never-be-seen"
SETTINGS = EngineSection(name="openai", tokenizer=str(MODEL_PATH), key_variable="LAB_KEY")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def url(log: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        usual = serving._environment()
        patch.setattr(serving, "_environment", lambda: usual | {"VLLM_API_KEY": KEY})
        patch.setenv("LAB_KEY", KEY)
        before = set(psutil.Process().children(recursive=True))
        with serving.served(
            resolve_model("lab"), EngineSection(max_batch=64), Path("/none"), log=log
        ) as server:
            assert (server.kind, server.model) == ("vllm", "checkpoint")
            family = set(psutil.Process().children(recursive=True)) - before
            assert len(family) >= 3, "the leash, the server and its engine"
            yield server.url
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


@pytest.fixture
def engine(url: str) -> Iterator[OpenAIEngine]:
    started = OpenAIEngine(Endpoint("checkpoint", url), SETTINGS)
    yield started
    started.close()


def test_it_can_do_everything_and_listens_here_only(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = OpenAIEngine(Endpoint("checkpoint", url), SETTINGS)
    engine.close()
    assert capsys.readouterr().err == "", "nothing that the server does not support"
    assert engine.tokenizer is not None
    assert engine.context_length == 4096
    assert listening() <= {"127.0.0.1", "::1"}


def test_greedy_equals_the_hf_engine(engine: OpenAIEngine) -> None:
    requests = lab_requests(24, temperature=0.0, stop=("☃",))
    reference = HFEngine(MODEL_PATH, EngineSection(device="cpu"))
    for ours, theirs in zip(generate(engine, requests), generate(reference, requests), strict=True):
        assert ours.token_ids == theirs.token_ids
        assert (ours.text, ours.finish_reason) == (theirs.text, theirs.finish_reason)
        np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-3)


def test_seeds_are_heeded_and_logprobs_are_unscaled(engine: OpenAIEngine) -> None:
    """With more prompt tokens than the server reads in one step."""
    requests = lab_requests(100, temperature=0.7, max_tokens=32)
    long = [Request(prompt_ids=request.prompt_ids * 6, max_tokens=8, seed=1) for request in requests]
    assert sum(len(request.prompt_ids) for request in long) > 8192
    other_seeds = [Request(prompt_ids=(1, 5, 6, 7), max_tokens=8, seed=number) for number in range(8)]
    together, alone, draws = generate_in_turn(engine, [[*requests, *long], requests[:4], other_seeds])
    assert [c.token_ids for c in together[:4]] == [c.token_ids for c in alone]
    for request, completion in zip(requests, alone, strict=False):
        expected = forced_logprobs(request.prompt_ids, completion.token_ids)
        np.testing.assert_allclose(completion.logprobs, expected, atol=1e-3)
    assert len({c.token_ids for c in draws}) > 4


def test_a_training_samples_from_it(url: str, tmp_path: Path) -> None:
    """References are recorded there, and checkpoints are scored here, where their files are."""
    server = ["--engine", "openai", "--set", f"engine.url={url}", "--set", "engine.key_variable=LAB_KEY"]
    run = ["train", *server, "--queries", "8", "--suite", "lab_facts", "--set", "evaluation.limit=8"]
    command = [sys.executable, "-m", "genius_bench", *run, "--home", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    [file] = (tmp_path / "artifacts" / "training-set").glob("*/rows/*.parquet")
    rows = pq.read_table(file).to_pylist()
    assert len(rows) >= 8
    for row in rows[:4]:
        for side in ("chosen", "rejected"):
            expected = sum(forced_logprobs(tuple(row["prompt_ids"]), tuple(row[f"{side}_ids"])))
            assert row[f"reference_{side}_logp"] == pytest.approx(expected, abs=1e-2)
    assert "genius seed 0" in said.stdout
    assert KEY not in said.stdout + said.stderr
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in text for text in written)


def test_a_server_of_other_weights_does_not_sample(url: str, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"url": url, "tokenizer": None})
    open_sampler(resolve_model("lab"), settings).close()
    other = ModelFiles("mine", perturbed(tmp_path / "other"), "another")
    with pytest.raises(InputError, match=r"'checkpoint' at .* is not mine: .* nats a token"):
        open_sampler(other, settings)


def test_messages_are_rendered_by_the_server(url: str) -> None:
    """As OpenCompass asks: the same greedy answers as from token ids."""
    messages = (Message(role="user", content="Tom has 3 apples and buys 4 more. How many apples has he?"),)
    by_messages = OpenAIEngine(Endpoint("checkpoint", url), SETTINGS.model_copy(update={"tokenizer": None}))
    assert by_messages.tokenizer is None
    request = Request(prompt_ids=(), messages=messages, max_tokens=64, seed=1, temperature=0.0)
    [answer] = generate(by_messages, [request])
    by_messages.close()
    reference = HFEngine(MODEL_PATH, EngineSection(device="cpu"))
    ids = render(reference.tokenizer, messages)
    [expected] = generate(reference, [Request(prompt_ids=ids, max_tokens=64, seed=1, temperature=0.0)])
    assert (answer.text, answer.finish_reason) == (expected.text, expected.finish_reason)
    assert answer.completion_tokens == len(expected.token_ids)


def test_without_its_key_the_server_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_KEY")
    with pytest.raises(EndpointError, match="401") as caught:
        OpenAIEngine(Endpoint("checkpoint", url), SETTINGS)
    assert caught.value.status == 401


def test_the_key_is_nowhere_to_be_found(url: str, log: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "genius_bench",
        "eval",
        url,
        "--engine",
        "openai",
        "--suite",
        "lab_words",
    ]
    options = [
        "--limit",
        "4",
        "--set",
        f"engine.tokenizer={MODEL_PATH}",
        "--set",
        "engine.key_variable=LAB_KEY",
    ]
    done = subprocess.run(
        [*command, *options, "--home", str(tmp_path)],
        env=os.environ | {"LAB_KEY": KEY},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "lab_words" in done.stdout or "words" in done.stdout
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "manifest.json" for path in files)
    for path in [*files, log]:
        assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr
