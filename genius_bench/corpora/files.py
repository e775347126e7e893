"""Local corpora: a JSONL, JSON or Parquet file (or .gz of the first two), or a folder of them; read as a stream."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from genius_bench.corpora.json_array import NotJSON, array_items, is_array
from genius_bench.corpora.stream import BadRows, Record, Stream
from genius_bench.errors import InputError, json_reason
from genius_bench.recipe import CorpusSection

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
CARDS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
"""JSON files that describe a data set and hold no rows."""
PARQUET_BATCH = 1024


def local(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """A file or folder on this machine."""
    return open_local(Path(section.name).expanduser(), bad_rows)


def open_local(path: Path, bad_rows: BadRows) -> Stream:
    files = _files(path)
    return Stream(name=path.name, records=_records(files, bad_rows), origin={"path": str(path)})


def _files(path: Path) -> list[Path]:
    """The file itself, or a folder's data files; of a folder with a train split only that, as `datasets` does."""
    if path.is_file():
        if not path.name.endswith(SUFFIXES):
            raise InputError(f"corpus file {path} must end in one of {', '.join(SUFFIXES)}")
        return [path]
    inside = sorted(path.rglob("*"), key=lambda file: file.relative_to(path).as_posix())
    found = [file for file in inside if _holds_rows(file, path)]
    if not found:
        raise InputError(f"corpus folder {path} holds no file that ends in one of {', '.join(SUFFIXES)}")
    train = [
        f for f in found if re.search(r"(^|[^a-z])train([^a-z]|$)", f.relative_to(path).as_posix().lower())
    ]
    return train or found


def _holds_rows(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and file.name.endswith(SUFFIXES) and file.name not in CARDS and not hidden


def _records(files: list[Path], bad_rows: BadRows) -> Iterator[Record]:
    for file in files:
        try:
            yield from _read(file, bad_rows)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"corpus file {file} cannot be unpacked: {error}. Is it whole?") from error
        except OSError as error:
            raise InputError(f"corpus file {file} cannot be read: {error.strerror or error}") from error


def _read(file: Path, bad_rows: BadRows) -> Iterator[Record]:
    if file.suffix == ".parquet":
        yield from _read_parquet(file, bad_rows)
        return
    with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as opened:
        raw: BinaryIO = opened  # type: ignore[assignment]  # gzip's file is one in all but name
        if ".jsonl" not in file.suffixes and is_array(raw):
            yield from _read_array(file, raw)
        else:
            yield from _read_lines(file, raw, bad_rows)


def _read_lines(file: Path, raw: BinaryIO, bad_rows: BadRows) -> Iterator[Record]:
    offset = 0
    for number, line in enumerate(raw, start=1):
        where = f"{file.name} line {number}"
        try:
            text = line.rstrip(b"\r\n").decode("utf-8-sig" if number == 1 else "utf-8")
            values = json.loads(text) if text.strip() else None
        except UnicodeDecodeError as error:
            problem = f"{where} (byte {offset + error.start} of the file) is not UTF-8: {error.reason}"
            bad_rows.add("not UTF-8", problem)
        except (ValueError, RecursionError) as error:
            bad_rows.add("broken JSON", f"{where} is not valid JSON: {json_reason(error)}")
        else:
            if isinstance(values, dict):
                yield Record(where, values)
            elif text.strip():
                bad_rows.add(
                    "broken JSON", f"{where} is a JSON {type(values).__name__}, not an object of columns"
                )
        offset += len(line)


def _read_array(file: Path, raw: BinaryIO) -> Iterator[Record]:
    """One JSON array. Where it breaks, what follows cannot be found again: never a row to skip."""
    try:
        for number, values in enumerate(array_items(raw)):
            if not isinstance(values, dict):
                kind = type(values).__name__
                raise InputError(f"{file.name} item {number} is a JSON {kind}, not an object of columns")
            yield Record(f"{file.name} item {number}", values)
    except NotJSON as error:
        raise InputError(f"{file.name} {error}") from None


def _read_parquet(file: Path, bad_rows: BadRows) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_BATCH):
                for place in range(batch.num_rows):
                    where = f"{file.name} row {number + place}"
                    try:
                        values: dict[str, Any] = batch.slice(place, 1).to_pylist()[0]
                    except UnicodeDecodeError as error:
                        bad_rows.add("not UTF-8", f"{where} is not UTF-8: {error.reason}")
                    else:
                        yield Record(where, values)
                number += batch.num_rows
    except pa.ArrowException as error:
        raise InputError(f"corpus file {file} is not a readable Parquet file: {error}") from error
