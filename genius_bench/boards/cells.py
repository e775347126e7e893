"""A table with its cells filled: what was reported, what was measured here, and how the two compare."""

from dataclasses import dataclass, field
from typing import Literal

from genius_bench.boards.specification import Fields, TableSpec

Mark = Literal["", "best", "second"]
Verdict = Literal["reproduced", "within noise", "differs", "not attempted", ""]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number of our own, in the units of the table (percent, or a cosine), with its 95 % interval."""

    value: float
    low: float
    high: float
    seeds: int = 1
    samples: int | None = None
    """Answers a question behind the number; None where that is no matter of samples."""
    items: int = 0
    gain: float | None = None
    """Over the base, with its 95 % interval."""
    gain_low: float | None = None
    gain_high: float | None = None
    p_value: float | None = None
    """Of "no gain", Holm-corrected over the row's tasks."""
    fingerprints: tuple[str, ...] = ()
    """The models that it is the mean of."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of a table; either half may be missing."""

    path: str
    """How `genius-bench explain` calls it: table1/magpie/genius/gsm8k."""
    run: Fields
    reported: float | None = None
    measured: Measured | None = None
    missing: str = ""
    """What would fill the measured half, where it is empty."""
    reported_mark: Mark = ""
    measured_mark: Mark = ""
    tied: bool = False
    """Whether the best measured number is within noise of the second best."""
    verdict: Verdict = ""
    why: str = ""

    @property
    def difference(self) -> float | None:
        """Measured minus reported."""
        if self.measured is None or self.reported is None:
            return None
        return self.measured.value - self.reported


@dataclass(frozen=True, kw_only=True)
class TableRow:
    label: str
    supervised: bool
    is_base: bool
    cells: list[Cell]


@dataclass(frozen=True, kw_only=True)
class TableGroup:
    title: str | None
    rows: list[TableRow]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Everything that a renderer needs."""

    board: str
    number: str
    spec: TableSpec
    source: str
    """Of the reported numbers."""
    groups: list[TableGroup]
    settings: dict[str, object] = field(default_factory=dict)
    """Under which the measured numbers were made; empty where nothing was measured."""
    remarks: list[str] = field(default_factory=list)
    """What the checks of a paper's numbers found, and what a reader of the measured ones must know."""

    @property
    def rows(self) -> list[TableRow]:
        return [row for group in self.groups for row in group.rows]

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells]
