"""What was collected for every query of a run: its prompt, the search or the responses behind it, what training took.

One index a collection, and packs that are loaded when a query is opened.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora.storing import queries_of
from genius_bench.integrity import digest_of
from genius_bench.runs import Run
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems
from genius_bench.site.scripts import rounded, shortened, to_json

FORMAT = 1
"""Raise it when the files are written differently."""
PACK_CHARACTERS = 400_000
MOST_QUERIES = 5000
"""Of one collection: a page is for looking, the store holds the rest."""
TOKENIZER = "model/tokenizer.json"
SHOWN = 160
"""Characters of a prompt in the index."""

Decode = Callable[[Sequence[int]], str]


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
    source = _stored_queries(store, run)
    name = f"queries/{digest_of([FORMAT, collection.key, source.key if source else None])[:20]}"
    written = folder.note(name)
    if written is not None:
        return Collected(name, written["queries"], written["is_search"])
    decode = _decoder(store, checkpoint, problems)
    prompts = _prompts(source) if source else {}
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


def _stored_queries(store: Store, run: Run) -> Artifact | None:
    """The run's corpus, where the store keeps it."""
    fingerprint = run.corpus.get("fingerprint")
    return store.find("queries", queries_of(fingerprint).key) if fingerprint else None


def _prompts(source: Artifact) -> dict[str, str]:
    """Query → its messages as one text."""
    found = {}
    for row in source.rows("id", "messages"):
        turns = row["messages"]
        alone = len(turns) == 1
        found[row["id"]] = "\n\n".join(
            turn["content"] if alone else f"{turn['role']}: {turn['content']}" for turn in turns
        )
    return found


def _decoder(store: Store, checkpoint: dict[str, str], problems: Problems) -> Decode:
    """Token ids to text, by the tokenizer that was saved with the checkpoint; without it ids stay numbers."""
    from tokenizers import Tokenizer

    artifact = store.find("checkpoint", checkpoint["key"])
    with problems.skipping(f"tokenizer of checkpoint {checkpoint['key'][:SHORT]}"):
        if artifact is None or not artifact.has(TOKENIZER):
            return _as_numbers
        file = artifact.file(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing more special
            raise ValueError(str(error)) from error
        return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))
    return _as_numbers


def _as_numbers(ids: Sequence[int]) -> str:
    return f"[{len(ids)} tokens: {' '.join(map(str, ids[:200]))}{' …' if len(ids) > 200 else ''}]"
