"""What recipes would take, stage by stage, before anything is spent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genius_bench.planning.amounts import NOTHING, Amount, largest
from genius_bench.planning.needs import Need
from genius_bench.planning.steps import Load, Step


@dataclass(frozen=True, kw_only=True)
class Part:
    """One recipe (or evaluation) of a plan."""

    title: str
    subject: str
    """What it is about: model, queries, rounds."""
    steps: Sequence[Step]
    needs: Sequence[Need]
    working_bytes: Amount = NOTHING
    """On disk while it runs, and gone afterwards."""

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "subject": self.subject,
            "steps": [step.as_json() for step in self.steps],
            "memory": [need.as_json() for need in self.needs],
            "working_bytes": self.working_bytes.as_json(),
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    parts: Sequence[Part]
    disk_free: int
    device_name: str
    notes: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        return [step for part in self.parts for step in part.steps]

    @property
    def total(self) -> Load:
        """Of everything that is not there yet; work that several recipes share counts once."""
        return sum((step.load for step in self.steps), Load())

    @property
    def working_bytes(self) -> Amount:
        """On disk at a time, since stages follow each other."""
        return largest(part.working_bytes for part in self.parts)

    @property
    def timed(self) -> bool:
        """Whether somebody knows how long each step takes."""
        return all(step.timed for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        return {
            "parts": [part.as_json() for part in self.parts],
            "total": self.total.as_json() | {"timed": self.timed},
            "disk": {"free": self.disk_free, "working_bytes": self.working_bytes.as_json()},
            "device": self.device_name,
            "notes": self.notes,
        }
