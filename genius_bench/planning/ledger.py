"""A store that makes nothing: stages that are run against it only say what they would make, under which key."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genius_bench.artifacts import Artifact, Build, Identity, Store, partial_of
from genius_bench.shards import rows_in, shards_of

State = Literal["found", "begun", "to make"]


class Ledger(Store):
    """Looks into the artifacts of `home` and writes nothing anywhere; what is not there is handed out as a promise.

    So the stages' own code says what determines an artifact, and plans cannot come to differ from runs.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def make(self, identity: Identity, produce: Callable[[Build], None]) -> Artifact:
        return self.promise(identity)

    def promise(self, identity: Identity) -> Artifact:
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

    @property
    def found(self) -> bool:
        return self.state == "found"

    def left_of(self, whole: float) -> float:
        """The share of so many rows or steps that is still to be done."""
        return 0.0 if self.found else 1 - min(1.0, self.done / max(whole, 1))


def seen(artifact: Artifact) -> Seen:
    if artifact.reused:
        return Seen(key=artifact.key, state="found", path=artifact.path)
    partial, trains = partial_of(artifact.path), artifact.kind == "checkpoint"
    done = _steps_in(partial / "states") if trains else sum(map(rows_in, shards_of(partial / "rows")))
    return Seen(key=artifact.key, state="begun" if done else "to make", path=artifact.path, done=done)


def _steps_in(states: Path) -> int:
    """Optimiser steps of the newest saved state."""
    if not states.exists():
        return 0
    from genius_bench.training.saved_state import newest_state, step_of

    newest = newest_state(states)
    return step_of(newest) if newest else 0
