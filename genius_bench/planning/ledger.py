"""A store that makes nothing: stages that are run against it only say what they would make, under which key."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from genius_bench.artifacts import Artifact, Build, Identity, Store, partial_of

State = Literal["found", "begun", "to make"]


class Ledger(Store):
    """Looks into the artifacts of `home` and writes nothing anywhere; what is not there is handed out as a promise.

    So the stages' own code says what determines an artifact, and plans cannot come to differ from runs.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def make(self, identity: Identity, produce: Callable[[Build], None]) -> Artifact:
        if found := self.find(identity.kind, identity.key):
            return found
        return Artifact(
            identity.kind, identity.key, self.directory(identity.kind, identity.key), reused=False
        )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An artifact as a plan sees it. `done` is how many rows or steps an interrupted attempt has left."""

    key: str
    state: State
    path: Path
    done: int = 0
    counters: dict[str, float] = field(default_factory=dict)
    """What it cost, for one that is there."""


def seen(artifact: Artifact) -> Seen:
    if artifact.reused:
        counters: dict[str, Any] = artifact.manifest["counters"]
        return Seen(key=artifact.key, state="found", path=artifact.path, counters=counters)
    partial = partial_of(artifact.path)
    done = _rows_in(partial) or _steps_in(partial)
    return Seen(key=artifact.key, state="begun" if done else "to make", path=artifact.path, done=done)


def _rows_in(partial: Path) -> int:
    shards = list((partial / "rows").glob("*.parquet"))
    if not shards:
        return 0
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(shard).num_rows for shard in shards)


def _steps_in(partial: Path) -> int:
    """Optimiser steps of the newest saved state."""
    states = list((partial / "states").glob("checkpoint-*"))
    if not states:
        return 0
    from genius_bench.training.saved_state import newest_state, step_of

    newest = newest_state(partial / "states")
    return step_of(newest) if newest else 0
