"""What vLLM is told, in its own words: the engine section of a recipe, and the environment of its processes."""

import os
import re
from pathlib import Path
from typing import Any

from genius_bench.environment import usable_cores
from genius_bench.errors import InputError
from genius_bench.recipe import EngineSection

CPU_BLOCK = 32
"""Tokens in a block of the key-value cache. Prefixes are shared by whole blocks, and the processor build's own 128 is
longer than many prompts; its attention kernel takes multiples of 32 only."""

Options = dict[str, Any]


def options(folder: Path, precision: str, settings: EngineSection, *, on_cpu: bool) -> Options:
    """The fields of `AsyncEngineArgs`, which are options of `vllm serve` too (see `as_flags`)."""
    fields: Options = {
        "model": str(folder),
        "config_format": "hf",
        "load_format": "safetensors",
        "tokenizer_mode": "hf",
        "generation_config": "vllm",  # neutral defaults: every request says all that it wants
        "dtype": precision,
        "max_model_len": settings.max_context,
        "max_num_seqs": settings.max_batch,
        "gpu_memory_utilization": settings.memory_share,
        "enable_prefix_caching": True,
        "tensor_parallel_size": settings.tensor_parallel,
        "data_parallel_size": settings.data_parallel,
        # Said outright, for inside a Ray worker vLLM would look for devices beyond those of the worker.
        "distributed_executor_backend": "uni" if settings.tensor_parallel == 1 else "mp",
        "use_tqdm_on_load": False,
        "disable_log_stats": True,
    }
    return fields | _cpu_options(folder, precision, settings) if on_cpu else fields


def _cpu_options(folder: Path, precision: str, settings: EngineSection) -> Options:
    return {
        # Compiling takes longer than small models have work for, and with it vLLM leaves out warming up.
        "enforce_eager": True,
        "block_size": CPU_BLOCK,
        # A prompt that is read in two parts ends the engine when its request has a seed ("CPU Generator does not use
        # offset", 0.32). Without such, vLLM gives a step room for the longest prompt.
        "enable_chunked_prefill": False,
        "kv_cache_memory_bytes": cpu_cache_bytes(folder, precision, settings),
    }


def cpu_cache_bytes(folder: Path, precision: str, settings: EngineSection) -> int | None:
    """Room for the requests that may be decoded together (`max_batch`, `max_batch_tokens`), and no more: left alone,
    vLLM takes `memory_share` of all memory. Here that share of what is free is the most.

    None for a model whose configuration does not say what a token takes. `VLLM_CPU_KVCACHE_SPACE` goes before.
    """
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(folder)).get_text_config()
    context = settings.max_context or getattr(config, "max_position_embeddings", None)
    layers = getattr(config, "num_hidden_layers", None)
    heads = getattr(config, "num_attention_heads", None)
    if not context or not layers or not heads:
        return None
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    heads = getattr(config, "num_key_value_heads", None) or heads
    per_token = 2 * layers * heads * size * getattr(torch, precision).itemsize
    tokens = min(settings.max_batch * context, max(settings.max_batch_tokens, context))
    tokens += (settings.max_batch + 1) * CPU_BLOCK  # last blocks are seldom full, and one is never used
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return max(min(tokens * per_token, int(settings.memory_share * (free_memory() - weights))), 1)


def free_memory() -> int:
    """Bytes that this machine, or the container in it, has left."""
    memory, limit = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory.exists() and (found := re.search(r"MemAvailable: *(\d+) kB", memory.read_text())):
        free = int(found[1]) * 1024
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        free = min(free, int(text) - int(limit.with_name("memory.current").read_text()))
    return free


def as_flags(fields: Options) -> list[str]:
    """The options of `vllm serve`, whose model is an argument of its own."""
    flags: list[str] = []
    for name, value in fields.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None and name != "model":
            flags += [f"--{flag}", str(value)]
    return flags


def environment(settings: EngineSection, *, on_cpu: bool) -> dict[str, str]:
    """What vLLM's processes find in their environment."""
    values = {
        # Nothing listens beyond this machine: an engine never spans several (Ray's workers have one each).
        "VLLM_HOST_IP": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    return values | _cpu_environment(settings) if on_cpu else values


def _cpu_environment(settings: EngineSection) -> dict[str, str]:
    cores = usable_cores()
    workers = settings.tensor_parallel * settings.data_parallel
    return {
        # Bound to cores, every engine on the machine would choose the same ones.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        # One core is for the process that hands out requests: threads that share a core spend their time waiting.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, (cores - 1) // workers))),
        # Without it the first request waits for a C++ compiler (0.32: to count larger log-probabilities).
        "TORCHDYNAMO_DISABLE": "1",
        # The other runner (0.32: chosen where triton knows processors) takes no logits processor like our own.
        "VLLM_USE_V2_MODEL_RUNNER": "0",
    }


def check_device(device: str, kind: str) -> None:
    """Raises `InputError` when the recipe names another device than this build of vLLM has."""
    if device not in ("auto", kind):
        raise InputError(
            f"engine.device is '{device}', but the vLLM that is installed runs on '{kind}': leave engine.device out, "
            "and choose among several devices with CUDA_VISIBLE_DEVICES"
        )
