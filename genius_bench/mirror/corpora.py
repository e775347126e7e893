"""A corpus in a mirror: its records as they come from the source, in one compressed JSONL file."""

import gzip
import json
from functools import partial
from pathlib import Path
from typing import BinaryIO

from genius_bench import registry
from genius_bench.corpora import BadRows, Stream
from genius_bench.corpora.hub import hub
from genius_bench.mirror.manifest import Held, Piece, held_file
from genius_bench.recipe import CorpusSection
from genius_bench.storage import publish_file


def corpus_pieces(section: CorpusSection) -> list[Piece]:
    """The recipe's corpus, unless it is the lab's or on this machine already."""
    if section.name == "lab" or section.data is not None or Path(section.name).expanduser().exists():
        return []
    folder = section.name.replace("/", "--").replace(":", "--")
    wanted = Held(
        kind="corpus",
        name=section.name,
        place=f"corpora/{folder}/train.jsonl.gz",
        source=section.name,
        asked=section.revision,
    )
    plugin = section.name in registry.names("corpora")
    use = (
        f"--corpus {section.name} --set corpus.data={{}}/corpora"
        if plugin
        else f"--corpus {{}}/corpora/{folder}"
    )
    return [Piece(wanted, use=use, fetch=partial(_fetch, wanted, section))]


def _fetch(wanted: Held, section: CorpusSection, folder: Path) -> Held:
    stream = _open(section)
    path = folder / wanted.place
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0

    def write(file: BinaryIO) -> None:
        nonlocal rows
        with gzip.GzipFile(
            "", "wb", fileobj=file, mtime=0
        ) as packed:  # without a date: same rows, same bytes
            for rows, record in enumerate(stream.records, 1):  # noqa: B007
                packed.write(json.dumps(record.values, ensure_ascii=False, default=str).encode() + b"\n")

    publish_file(path, write)
    files = (held_file(folder, wanted.place, rows=rows),)
    return wanted.model_copy(update={"revision": stream.origin.get("revision"), "files": files})


def _open(section: CorpusSection) -> Stream:
    opener = registry.load("corpora", section.name) if section.name in registry.names("corpora") else hub
    stream: Stream = opener(section, BadRows(section.skip_bad_rows))
    return stream
