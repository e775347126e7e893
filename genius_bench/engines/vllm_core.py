"""vLLM's asynchronous engine, started and ended."""

import logging
import os
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from genius_bench.engines.background import BackgroundLoop
from genius_bench.engines.exporting import architecture_of, full_model, precision_of
from genius_bench.engines.installed import check_installed
from genius_bench.engines.vllm_processes import Guard, changed_environment, written_to
from genius_bench.engines.vllm_settings import Options, check_device, environment, options
from genius_bench.errors import InputError, first_line
from genius_bench.recipe import EngineSection

Result = TypeVar("Result")

OUR_NAMES = {
    "max_model_len": "engine.max_context",
    "gpu_memory_utilization": "engine.memory_share",
    "max_num_seqs": "engine.max_batch",
}


class VLLMCore:
    """A started `AsyncLLM` in an event loop of its own: it must stay in one, while stages come with one after the
    other. Nothing that vLLM starts outlives this process, however it ends."""

    def __init__(self, model_path: Path, settings: EngineSection) -> None:
        """Raises `InputError` where vLLM is missing, or cannot have this model or these settings."""
        check_installed(settings)
        self._model_path, self._settings = model_path, settings
        self._guard = Guard()
        self._loop = BackgroundLoop()
        self._llm: Any = None
        self.requests_continue = False
        """Whether a request may go on as another one (`vllm_continuing.py`)."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        self.context_length: int = self.llm.model_config.max_model_len

    @property
    def llm(self) -> Any:
        """To be used in coroutines given to `start` and `run`."""
        return self._llm

    def start(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        return self._loop.start(work)

    def close(self) -> None:
        """May be called more than once."""
        if self._llm is not None:
            self._loop.run(_shut_down(self._llm))
            self._llm = None
        self._guard.close()
        self._loop.close()

    def _start(self) -> None:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # now, so that this helper of Python's is not taken for one of vLLM's
        log = self._guard.folder / "log"
        try:
            with written_to(log), changed_environment(quiet(self._guard)):
                self._start_vllm()
        except InputError:
            raise
        except Exception as error:  # vLLM raises whatever its parts raise
            reason = _reason(error, log)
            raise InputError(f"vLLM cannot run the model in {self._model_path}: {reason}") from error
        logging.getLogger("vllm").setLevel(logging.CRITICAL)  # its errors reach the caller as exceptions

    def _start_vllm(self) -> None:
        from vllm.platforms import current_platform

        settings, on_cpu = self._settings, current_platform.is_cpu()
        check_device(settings.device, current_platform.device_type)
        os.environ.update(environment(settings, on_cpu=on_cpu))
        with self.prepared(self._model_path) as (folder, precision):
            self.architecture = architecture_of(folder)
            fields = options(folder, precision, settings, on_cpu=on_cpu)
            fields["worker_extension_cls"] = "genius_bench.engines.vllm_worker.Extension"
            if on_cpu:
                fields["logits_processors"] = ["genius_bench.engines.vllm_continuing:Continue"]
            if on_cpu and fields["distributed_executor_backend"] == "uni":
                from genius_bench.engines.vllm_executor import ProcessorExecutor

                fields["distributed_executor_backend"] = ProcessorExecutor
            self._llm = self._loop.run(_started(fields))
            if on_cpu:
                self._loop.run(self._llm.collective_rpc("let_requests_continue"))
                self.requests_continue = True

    @contextmanager
    def prepared(self, model_path: Path) -> Iterator[tuple[Path, str]]:
        """A folder with all the weights of a model (an adapter is merged, for as long as this lasts), and the precision
        to read them in."""
        settings = self._settings
        precision = precision_of(model_path, settings.device, settings.precision)
        with TemporaryDirectory(dir=self._guard.folder) as temporary:
            yield full_model(model_path, Path(temporary) / "merged", precision), precision


async def _started(fields: Options) -> Any:
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    return AsyncLLM.from_engine_args(AsyncEngineArgs(**fields))


async def _shut_down(llm: Any) -> None:
    llm.shutdown()


def quiet(guard: Guard) -> dict[str, str]:
    """The environment of processes that say nothing but errors, and that their guard knows."""
    return guard.environment | {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }


def _reason(error: Exception, log: Path) -> str:
    """The first cause in one line: from the log of vLLM's processes where it is there, else from the error."""
    causes = re.findall(r"\b\w+(?:Error|Exception): (.+)", log.read_text(errors="replace"))
    _, _, value = str(error).partition("Value error, ")  # the rest is pydantic's frame around it
    reason = str(causes[0]) if causes else value.partition(" [type=")[0] or first_line(error)
    for theirs, ours in OUR_NAMES.items():
        reason = reason.replace(theirs, ours)
    return reason.strip()
