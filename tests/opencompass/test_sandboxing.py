import io
import tarfile
from pathlib import Path

import pytest

from genius_bench.errors import GeniusBenchError
from genius_bench.opencompass.sandboxing import _unpack


def archive_with(path: Path, *entries: tarfile.TarInfo, content: bytes = b"{}") -> Path:
    with tarfile.open(path, "w") as archive:
        for entry in entries:
            entry.size = len(content) if entry.isfile() else 0
            archive.addfile(entry, io.BytesIO(content))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def test_only_ordinary_files_below_the_output_come_out(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    names = ["results/greedy/mbpp.json", "../outside.json", f"{tmp_path}/absolute.json", "results/run.py"]
    entries = [tarfile.TarInfo(name) for name in names]
    archive = archive_with(tmp_path / "a.tar", *entries, link("results/link.json", "/etc/passwd"))
    _unpack(archive, output)
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(found) == ["a.tar", "out/results/greedy/mbpp.json"]


def test_a_link_in_the_archive_leads_nowhere(tmp_path: Path) -> None:
    """A file that is to be written through a link that the archive brings."""
    outside, output = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    output.mkdir()
    entries = [link("results", str(outside)), tarfile.TarInfo("results/x.json")]
    _unpack(archive_with(tmp_path / "a.tar", *entries), output)
    assert not list(outside.iterdir())
    assert (output / "results" / "x.json").exists()


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(GeniusBenchError, match="no readable results"):
        _unpack(tmp_path / "a.tar", tmp_path)
    (tmp_path / "a.tar").write_bytes(b"")
    _unpack(tmp_path / "a.tar", tmp_path)
