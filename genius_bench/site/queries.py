"""What was collected for every query of a run: its prompt, the search or the responses behind it, what training took.

One index a collection, and packs that are loaded when a query is opened.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.integrity import digest_of
from genius_bench.runs import Run
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems
from genius_bench.site.prompts import Decode, decoder_of, prompts_of, stored_queries
from genius_bench.site.scripts import rounded, shortened, to_json

FORMAT = 1
"""Raise it when the files are written differently."""
PACK_CHARACTERS = 400_000
MOST_QUERIES = 5000
"""Of one collection: a page is for looking, the store holds the rest."""
SHOWN = 160
"""Characters of a prompt in the index."""


@dataclass(frozen=True)
class Collected:
    """Where the site keeps a collection."""

    file: str
    queries: int
    is_search: bool
    """Whether its queries have foresight trees."""


def write_queries(folder: Folder, store: Store, run: Run, problems: Problems) -> dict[str, Collected]:
    """Training set → what was collected for it; of every iteration of a run whose collection is still there."""
    found = {}
    for checkpoint in run.checkpoints:
        training_set = store.find("training-set", checkpoint.get("training_set", "-"))
        if training_set is None:
            continue
        collection = store.find("collection", training_set.manifest["inputs"]["collection"])
        if collection is None:
            continue
        with problems.skipping(f"collection {collection.key[:SHORT]} ({run.id})"):
            found[checkpoint["training_set"]] = _write(folder, store, run, checkpoint, collection, problems)
    return found


def _write(
    folder: Folder,
    store: Store,
    run: Run,
    checkpoint: dict[str, str],
    collection: Artifact,
    problems: Problems,
) -> Collected:
    source = stored_queries(store, run)
    name = f"queries/{digest_of([FORMAT, collection.key, source.key if source else None])[:20]}"
    written = folder.note(name)
    if written is not None:
        return Collected(name, written["queries"], written["is_search"])
    decode = decoder_of(store, checkpoint, problems)
    prompts = prompts_of(source) if source else {}
    index, packs = _Index(), 0
    for pack in _packs(_queries(collection, decode, prompts)):
        folder.write_data(f"{name}-{packs}", pack)
        index.add(pack, packs)
        packs += 1
    summary = {"queries": len(index.rows), "is_search": index.is_search}
    folder.write_data(name, {"rows": index.rows, "packs": packs, **summary})
    folder.write_note(name, summary, [f"data/{name}.js", *(f"data/{name}-{i}.js" for i in range(packs))])
    return Collected(name, len(index.rows), index.is_search)


class _Index:
    """What the list of a collection's queries shows."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.is_search = False

    def add(self, pack: list[dict[str, Any]], number: int) -> None:
        for query in pack:
            searched = is_search(query["trace"])
            self.is_search |= searched
            steps = len(query["trace"]) if searched else 0
            prompt = query["prompt"][:SHOWN]
            self.rows.append([query["id"], prompt, len(query["rows"]), steps, query["notes"], number])


def is_search(trace: Any) -> bool:
    """Whether a trace is a foresight tree (`sampling.foresight_trace`)."""
    return isinstance(trace, list) and bool(trace) and isinstance(trace[0], dict) and "candidates" in trace[0]


def _queries(collection: Artifact, decode: Decode, prompts: dict[str, str]) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(collection.rows("id", "rows", "trace", "notes")):
        if place == MOST_QUERIES:
            return
        rows = json.loads(row["rows"])
        asked = next((decode(one["prompt_ids"]) for one in rows), "")
        yield {
            "id": row["id"],
            "prompt": shortened(prompts.get(row["id"]) or asked),
            "rows": [_training_row(one, decode) for one in rows],
            "trace": _compact(json.loads(row["trace"])),
            "notes": json.loads(row["notes"]),
        }


def _training_row(row: dict[str, Any], decode: Decode) -> dict[str, Any]:
    """A pair or a demonstration with texts in the place of token ids."""
    texts = {
        name.removesuffix("_ids"): shortened(decode(value))
        for name, value in row.items()
        if name.endswith("_ids") and name != "prompt_ids"
    }
    numbers = {name: rounded(value) for name, value in row.items() if isinstance(value, float)}
    return {"id": row.get("id", ""), **texts, **numbers}


def _compact(value: Any) -> Any:
    """A trace with numbers as long as they are shown, and texts as long as they are read."""
    if isinstance(value, dict):
        return {key: _compact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_compact(inner) for inner in value]
    return shortened(value) if isinstance(value, str) else rounded(value)


def _packs(queries: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    pack: list[dict[str, Any]] = []
    size = 0
    for query in queries:
        pack.append(query)
        size += len(to_json(query))
        if size > PACK_CHARACTERS:
            yield pack
            pack, size = [], 0
    if pack:
        yield pack
