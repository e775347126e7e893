"""The vllm engine against the hf engine, transformers, and the processes it must not leave behind.

One engine serves most tests, for it takes half a minute to start; the last of them ends it by force.
"""

import asyncio
import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
import torch
from scipy.stats import chisquare

from genius_bench.artifacts import Store
from genius_bench.corpora import load_corpus
from genius_bench.engines import vllm_guard
from genius_bench.engines.exchanging import EnginesInTurn
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import load_model, resolve_model
from genius_bench.engines.vllm import VLLMEngine
from genius_bench.errors import EngineLostError, InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import CorpusSection, EngineSection
from genius_bench.sampling.collecting import collect, training_set
from tests.engines.continuing_support import asked_twice, differences, going_on
from tests.engines.vllm_support import (
    NEEDS_VLLM,
    adapter,
    forced_logprobs,
    generate,
    lab_prompts,
    lab_requests,
    listening,
    perturbed,
)
from tests.training.support import train
from trainers.genius import Genius

pytestmark = NEEDS_VLLM
SETTINGS = EngineSection(name="vllm")


@pytest.fixture(scope="module")
def engine() -> Iterator[VLLMEngine]:
    started = VLLMEngine(MODEL_PATH, SETTINGS)
    yield started
    started.close()


@pytest.fixture(scope="module")
def reference() -> HFEngine:
    return HFEngine(MODEL_PATH, EngineSection(device="cpu"))


def test_greedy_equals_the_hf_engine(engine: VLLMEngine, reference: HFEngine) -> None:
    requests = lab_requests(48, temperature=0.0)
    for ours, theirs in zip(generate(engine, requests), generate(reference, requests), strict=True):
        assert ours.token_ids == theirs.token_ids
        assert (ours.text, ours.finish_reason) == (theirs.text, theirs.finish_reason)
        np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)


def test_logprobs_are_those_of_the_unscaled_policy(engine: VLLMEngine) -> None:
    requests = lab_requests(8, temperature=0.6, top_p=0.9)
    for request, completion in zip(requests, generate(engine, requests), strict=True):
        expected = forced_logprobs(request.prompt_ids, completion.token_ids)
        np.testing.assert_allclose(completion.logprobs, expected, atol=1e-4)


def test_a_seed_alone_decides_whatever_shares_the_batch(engine: VLLMEngine) -> None:
    """More prompt tokens than one step reads: a prompt in two parts would end vLLM's processor build."""
    requests = lab_requests(200)
    long = [Request(prompt_ids=request.prompt_ids * 4, max_tokens=32, seed=1000) for request in requests]
    assert sum(len(request.prompt_ids) for request in long) > 2 * 8192
    together = generate(engine, [*requests, *long])[:200]
    alone = [generate(engine, [request])[0] for request in requests[:5]]
    again = generate(engine, requests[::-1])[::-1]
    assert [c.token_ids for c in together] == [c.token_ids for c in again]
    assert [c.token_ids for c in together[:5]] == [c.token_ids for c in alone]
    same_prompt = [Request(prompt_ids=lab_prompts(1)[0], max_tokens=64, seed=2**62 + n) for n in range(20)]
    assert len({c.token_ids for c in generate(engine, same_prompt)}) > 10, "other seeds, other answers"


@pytest.mark.parametrize(("temperature", "top_p"), [(0.7, 1.0), (1.0, 0.8)])
def test_drawn_tokens_follow_the_model(engine: VLLMEngine, temperature: float, top_p: float) -> None:
    prompt, rows = (1, 8, 9, 10), 3000  # no question: after it many tokens are likely
    request = Request(prompt_ids=prompt, max_tokens=1, seed=0, temperature=temperature, top_p=top_p)
    drawn = generate(engine, [replace(request, seed=seed) for seed in range(rows)])
    with torch.inference_mode():
        logits = load_model(MODEL_PATH, device="cpu")(torch.tensor([prompt])).logits[0, -1]
    probabilities = (logits / temperature).softmax(-1).double().numpy()
    order = np.argsort(-probabilities)
    before = np.cumsum(probabilities[order]) - probabilities[order]
    nucleus = order[before < top_p]
    assert {c.token_ids[0] for c in drawn} <= set(nucleus.tolist())
    counts = np.bincount([c.token_ids[0] for c in drawn], minlength=len(probabilities))[nucleus]
    expected = probabilities[nucleus] / probabilities[nucleus].sum() * rows
    often = expected > 5
    assert often.sum() >= 10
    wanted = expected[often] * counts[often].sum() / expected[often].sum()
    assert chisquare(counts[often], wanted).pvalue > 1e-3


@pytest.mark.parametrize("stop", [("\n",), ("answer is", "☃"), (". The", "\nThe a", "6"), ("e",)])
def test_stop_strings_end_answers_as_in_the_hf_engine(
    engine: VLLMEngine, reference: HFEngine, stop: tuple[str, ...]
) -> None:
    requests = lab_requests(24, temperature=0.0, stop=stop)
    ours, theirs = generate(engine, requests), generate(reference, requests)
    assert [(c.token_ids, c.text, c.finish_reason) for c in ours] == [
        (c.token_ids, c.text, c.finish_reason) for c in theirs
    ]
    stopped = [c for c in ours if c.finish_reason == "stop"]
    assert stopped
    for completion in stopped:
        whole = engine.tokenizer.decode(completion.token_ids, skip_special_tokens=True)
        assert whole.startswith(completion.text)
        assert any(whole[len(completion.text) :].startswith(string) for string in stop)
        assert not any(string in completion.text for string in stop)
        assert len(completion.logprobs) == len(completion.token_ids)


def test_ends_and_limits(engine: VLLMEngine) -> None:
    whole = generate(engine, lab_requests(16, temperature=0.0, max_tokens=200))
    cut = generate(engine, lab_requests(16, temperature=0.0, max_tokens=5))
    for completion, short in zip(whole, cut, strict=True):
        assert completion.finish_reason == "eos"
        assert completion.token_ids[-1] == engine.tokenizer.eos_token_id
        assert engine.tokenizer.eos_token not in completion.text
        assert short.finish_reason == "length"
        assert short.token_ids == completion.token_ids[:5]


def test_context(engine: VLLMEngine) -> None:
    assert engine.context_length == 4096
    with pytest.raises(InputError, match="does not fit"):
        generate(engine, [Request(prompt_ids=(5,) * 4096, max_tokens=4, seed=0)])
    [last] = generate(engine, [Request(prompt_ids=(5,) * 4090, max_tokens=40, seed=0, temperature=0.0)])
    assert len(last.token_ids) <= 6


@pytest.mark.parametrize(
    ("fields", "then_fields"),
    [
        ({}, {}),
        ({"stop": ("is",)}, {"stop": ("\n",)}),
        ({"max_tokens": 9}, {}),
        ({}, {"max_tokens": 4}),
        ({"stop": ("T",)}, {}),
        ({"temperature": 0.0}, {}),
    ],
    ids=["step and look-ahead", "two stop strings", "a first limit", "a second limit", "blank", "greedy"],
)
def test_a_request_that_goes_on_gives_what_two_requests_give(
    engine: VLLMEngine, fields: dict[str, Any], then_fields: dict[str, Any]
) -> None:
    """More of them than are decoded together, so that they move within the batch while they go on."""
    first: dict[str, Any] = {"temperature": 0.6, "stop": ("\n",), **fields}
    wanted = going_on(lab_requests(300, **first), **then_fields)
    found, expected = generate(engine, wanted), asked_twice(engine, wanted, greedy_too=False)
    assert differences(found, expected) <= 1, "a batch of another size may decide one token otherwise"
    assert [c.text for c in found if c.then][:20] == [c.text for c in expected if c.then][:20]
    assert any(c.then for c in found) == (first["temperature"] != 0.0)
    blank = [c for c in found if c.finish_reason == "stop" and not c.text.strip()]
    assert bool(blank) == (first["stop"] == ("T",))
    assert all(c.then is None for c in blank)


def test_requests_that_had_to_leave_the_batch_still_go_on() -> None:
    """A cache for fewer tokens than 64 answers have: vLLM throws requests out and reads them again later."""
    small = SETTINGS.model_copy(update={"max_batch": 64, "max_context": 256, "max_batch_tokens": 256})
    engine = VLLMEngine(MODEL_PATH, small)
    try:
        wanted = going_on(lab_requests(128, temperature=0.6, stop=("\n",)), max_tokens=150, temperature=1.5)
        found, expected = generate(engine, wanted), asked_twice(engine, wanted)
    finally:
        engine.close()
    assert differences(found, expected) <= 2, "tokens that rounding decides, in batches of other sizes"
    assert sum(c.then is not None for c in found) > 64


def test_nothing_listens_beyond_this_machine(engine: VLLMEngine) -> None:
    assert listening() <= {"127.0.0.1", "::1"}


def test_a_training_of_its_samples_makes_a_checkpoint_that_it_loads(
    engine: VLLMEngine, tmp_path: Path
) -> None:
    collection = collect(
        Store(tmp_path),
        Genius(Genius.Options()),
        corpus=load_corpus(CorpusSection(queries=8)),
        policy_fingerprint="lab",
        open_engine=lambda: Shared(engine),
        seed=0,
        queries_in_flight=8,
    )
    rows = list(training_set(Store(tmp_path), collection).rows())
    assert len(rows) >= 8
    row = rows[0]
    expected = sum(forced_logprobs(tuple(row["prompt_ids"]), tuple(row["chosen_ids"])))
    assert math.isclose(row["reference_chosen_logp"], expected, abs_tol=1e-2), "recorded while sampling"
    checkpoint = train(Store(tmp_path), MODEL_PATH, training_set(Store(tmp_path), collection)).path / "model"
    requests = lab_requests(8, temperature=0.0)
    fresh = generate(HFEngine(checkpoint, EngineSection(device="cpu")), requests)
    asyncio.run(engine.exchange_weights(checkpoint))
    loaded = generate(engine, requests)
    asyncio.run(engine.exchange_weights(MODEL_PATH))
    assert loaded != generate(engine, requests)
    for ours, theirs in zip(loaded, fresh, strict=True):
        assert ours.token_ids == theirs.token_ids
        np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)


class Shared:
    """An engine that outlives the stage that uses it."""

    def __init__(self, engine: VLLMEngine) -> None:
        self.name, self.tokenizer, self.context_length = engine.name, engine.tokenizer, engine.context_length
        self.generate = engine.generate

    def close(self) -> None:
        pass


def test_exchanged_weights_are_those_of_the_other_checkpoint(engine: VLLMEngine, tmp_path: Path) -> None:
    """Greedy answers and their log-probabilities, with prompts long enough for the prefix cache to know them."""
    requests = lab_requests(12, temperature=0.0)
    requests += [Request(prompt_ids=lab_prompts(1)[0] * 8, max_tokens=32, seed=0, temperature=0.0)]
    before = generate(engine, requests)
    checkpoints = [perturbed(tmp_path / "other"), adapter(tmp_path / "adapter"), MODEL_PATH]
    for path in checkpoints:
        asyncio.run(engine.exchange_weights(path))
        fresh = generate(HFEngine(path, EngineSection(device="cpu")), requests)
        for ours, theirs in zip(generate(engine, requests), fresh, strict=True):
            assert ours.token_ids == theirs.token_ids
            np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)
        assert path == MODEL_PATH or fresh != before
    assert [c.token_ids for c in generate(engine, requests)] == [c.token_ids for c in before]


def test_exchanging_weights_takes_no_more_memory_each_time(engine: VLLMEngine, tmp_path: Path) -> None:
    """Nothing is answered in between: answering alone takes some MiB more now and then, exchanged weights or not."""
    [core] = [psutil.Process(process) for process in marked(engine)]
    paths = [perturbed(tmp_path / "other"), MODEL_PATH]
    generate(engine, lab_requests(4))
    sizes = []
    for number in range(34):
        asyncio.run(engine.exchange_weights(paths[number % 2]))
        sizes.append(core.memory_full_info().uss)
    weights = (MODEL_PATH / "model.safetensors").stat().st_size
    # What leaks does so every time; on a busy machine the allocator takes a few MiB once.
    grown = sorted(sizes[start + 10] - sizes[start] for start in (3, 13, 23))
    assert sum(grown[:2]) < weights, "twenty exchanges, less than one copy"


def test_weights_of_another_architecture_are_refused(engine: VLLMEngine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(MODEL_PATH, other)
    config = other / "config.json"
    config.write_text(config.read_text().replace('"rope_theta": 10000.0', '"rope_theta": 20000.0'))
    requests = lab_requests(4, temperature=0.0)
    before = generate(engine, requests)
    with pytest.raises(InputError, match="an engine of its own"):
        asyncio.run(engine.exchange_weights(other))
    assert generate(engine, requests) == before


def test_checkpoints_that_are_scored_in_turn_share_one_engine(tmp_path: Path) -> None:
    engines, requests = EnginesInTurn(SETTINGS, keep=True), lab_requests(4, temperature=0.0)
    processes = set()
    try:
        for path in (MODEL_PATH, perturbed(tmp_path / "other")):
            engine = engines.open(resolve_model(str(path)))
            answers = generate(engine, requests)
            fresh = generate(HFEngine(path, EngineSection(device="cpu")), requests)
            assert [one.token_ids for one in answers] == [one.token_ids for one in fresh]
            engine.close()
            processes.add(frozenset(process.pid for process in psutil.Process().children(recursive=True)))
    finally:
        engines.close()
    assert len(processes) == 1


def test_the_death_of_the_engine_is_told_to_all_who_wait(engine: VLLMEngine) -> None:
    """The last test of this engine."""

    async def killed_while_busy() -> list[object]:
        busy = asyncio.gather(
            *map(engine.generate, lab_requests(64, max_tokens=2000)), return_exceptions=True
        )
        await asyncio.sleep(0.5)
        for process in marked(engine):
            psutil.Process(process).kill()
        return list(await busy)

    outcomes = asyncio.run(killed_while_busy())
    assert any(isinstance(outcome, EngineLostError) for outcome in outcomes)
    with pytest.raises(EngineLostError, match="has died"):
        generate(engine, lab_requests(1))
    folder = engine._core._guard.folder
    engine.close()
    assert not folder.exists()
    assert not vllm_guard.marked(str(folder))


def marked(engine: VLLMEngine) -> list[int]:
    return vllm_guard.marked(str(engine._core._guard.folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "whole_group", "moment", "code"),
    [
        (signal.SIGINT, True, "answering", 130),
        (signal.SIGKILL, False, "answering", -9),
        (signal.SIGTERM, False, "starting", -15),
    ],
)
def test_nothing_outlives_an_evaluation(
    tmp_path: Path, number: signal.Signals, whole_group: bool, moment: str, code: int
) -> None:
    """Ctrl-C on a terminal reaches everybody, other signals only the command."""
    command = [sys.executable, "-m", "genius_bench", "eval", "lab", "--engine", "vllm", "--suite", "lab"]
    errors = tmp_path / "errors"
    with (
        errors.open("w") as file,
        subprocess.Popen(
            [*command, "--home", str(tmp_path)],
            start_new_session=True,
            stderr=file,
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_DFL
            ),  # a background job would ignore it
        ) as process,
    ):
        while not (started := engine_processes(process)) or (
            moment == "answering" and "answers" not in errors.read_text()
        ):
            assert process.poll() is None, errors.read_text()
            time.sleep(0.1)
        family = psutil.Process(process.pid).children(recursive=True)
        assert set(started) <= set(family)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        assert process.wait(120) == code
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert "vllm" not in errors.read_text().lower(), "it says nothing"
    assert "Traceback" not in errors.read_text()


def engine_processes(command: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Told by the bytes of their environment: vLLM writes titles over its beginning, where psutil stops reading."""
    found = []
    for process in psutil.Process(command.pid).children(recursive=True):
        with contextlib.suppress(OSError):
            if vllm_guard.VARIABLE.encode() in Path(f"/proc/{process.pid}/environ").read_bytes():
                found.append(process)
    return found
