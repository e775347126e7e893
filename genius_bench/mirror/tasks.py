"""Tasks' data sets in a mirror: one Parquet file a split, where `--data` looks for it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genius_bench.corpora.hub import resolve_revision
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import load_items, load_split, split_file
from genius_bench.layers import merge
from genius_bench.mirror.manifest import Held, HeldFile, Piece, Status, held_file
from genius_bench.storage import publish_file

Where = tuple[tuple[str, ...], str | None]
"""Files of a hub repository (none: the split itself), and the repository where it is another than the task's."""


@dataclass(frozen=True)
class TaskState:
    """A task's items in a folder, compared with those that its task file expects."""

    status: Status
    detail: str
    fingerprint: str | None = None


def task_pieces(card: TaskCard, split: str | None) -> list[Piece]:
    """One for each split that the task reads, under any protocol; none for items that are generated."""
    if card.facts.items:
        return []
    return [_piece(card, name, where) for name, where in _splits(card, split).items()]


def _splits(card: TaskCard, split: str | None) -> dict[str, Where]:
    """Of the items (and another that was asked for), of solved examples, of answers to compare with."""
    splits: dict[str, Where] = {split or card.split: ((), None)}
    for asked in (card, *map(card.under, card.facts.protocols)):
        splits[asked.split] = ((), None)
        if asked.shots:
            splits[asked.facts.examples_split] = ((), None)
    if card.facts.judging and (baseline := card.facts.judging.baseline):
        splits[baseline.split] = (baseline.files, baseline.dataset)
    return splits


def _piece(card: TaskCard, split: str, where: Where) -> Piece:
    wanted = Held(
        kind="task",
        name=f"{card.name} ({split})",
        place=f"{task_folder(card)}/{split}.parquet",
        source=where[1] or card.config.get("dataset_path") or "no hub",
        asked=None if where[1] else card.config.get("dataset_kwargs", {}).get("revision"),
    )
    fetch = _fetch if wanted.source != "no hub" else _find
    return Piece(wanted, use="--data {}", fetch=partial(fetch, wanted, card, split, where))


def _fetch(wanted: Held, card: TaskCard, split: str, where: Where, folder: Path) -> Held:
    import pyarrow as pa
    import pyarrow.parquet as pq

    commit = resolve_revision(wanted.source, wanted.asked)
    config = merge(card.config, {"dataset_kwargs": {"revision": commit}})
    rows = load_split(card.model_copy(update={"config": config}), split, None, *where)
    assert rows is not None  # only a local folder can lack a split
    table = pa.Table.from_pylist(rows)
    path = folder / wanted.place
    path.parent.mkdir(parents=True, exist_ok=True)
    publish_file(path, lambda file: pq.write_table(table, file, compression="zstd"))
    return _described(wanted, card, split, folder, held_file(folder, wanted.place, len(rows)), commit)


def _find(wanted: Held, card: TaskCard, split: str, where: Where, folder: Path) -> Held:
    """A split that no hub has: whoever runs the harness has put it into the mirror by hand."""
    path = split_file(card, split, folder)
    if path is None:
        place = Path(wanted.place).with_suffix(".jsonl")
        raise InputError(f"it is on no hub: put its rows into {folder / place} by hand")
    return _described(
        wanted, card, split, folder, held_file(folder, path.relative_to(folder).as_posix()), None
    )


def _described(
    wanted: Held, card: TaskCard, split: str, folder: Path, file: HeldFile, commit: str | None
) -> Held:
    held = wanted.model_copy(update={"revision": commit, "files": (file,)})
    if split != card.split:
        return held
    state = task_state(card, folder)
    return held.model_copy(update={"fingerprint": state.fingerprint, "as_expected": state.status == "ok"})


def task_state(card: TaskCard, folder: Path) -> TaskState:
    """The task's own split in a folder of data sets, whoever made that."""
    try:
        if split_file(card, card.split, folder) is None:
            return TaskState("missing", f"no split '{card.split}'")
        items = load_items(card, str(folder))
    except InputError as error:
        return TaskState("changed", str(error))
    count, expected = len(items.rows), card.facts.expected_items
    if not items.changed:
        known = "" if card.facts.fingerprint else "; which ones they should be is not known"
        return TaskState("ok", f"{count} items{known}", items.fingerprint)
    if expected and count < expected:
        return TaskState("truncated", f"{count} of {expected} items", items.fingerprint)
    return TaskState("changed", f"{count} items, not those that the task expects", items.fingerprint)


def task_folder(card: TaskCard) -> str:
    return card.facts.folder or card.name
