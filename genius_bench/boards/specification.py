"""A board as data: a folder with what was reported, a file a table or figure, and the axes that make recipes of cells.

    leaderboards/<name>/board.yaml        title, source, protocol, axes, seeds, items a score is a share of
    leaderboards/<name>/reported.yaml     the numbers as printed, where there are any
    leaderboards/<name>/tables/1.yaml     rows, columns, groups, marks
    leaderboards/<name>/figures/4.yaml    kind and panels

A new board is a new folder, no code.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from genius_bench.errors import InputError, nearest
from genius_bench.layers import Layer, read_layer, validate
from genius_bench.recipe import Section

Fields = dict[str, str]
"""Axis → value: what a cell's run is, such as {method: genius, corpus: magpie}."""


class Earlier(Section):
    """Numbers of the base model that were printed elsewhere before."""

    source: str
    base: dict[str, float]


class BoardSpec(Section):
    """`board.yaml`."""

    name: str
    title: str
    source: str
    protocol: Literal["strict", "paper", "released"] = "strict"
    common: Layer = {}
    """The layer under every recipe of the board."""
    axes: dict[str, dict[str, Layer]]
    """Axis → value → the recipe's layer. The axis `method` has a value `base`: the model itself, not trained."""
    seeds: list[int] = [0]
    """Every recipe is run with each of them."""
    majority: dict[str, float] = {}
    """Task → percent that the most frequent answer gets by itself."""
    earlier: Earlier | None = None
    items: dict[str, PositiveInt] = {}
    """Task → how many items a reported score is a share of, where that is known."""
    neutral_win_rate: dict[str, float] = {}
    """Task → the score of a comparison that says nothing."""


class Column(Section):
    """A task's score, a suite's average (or what else is known of a model on it), or a similarity."""

    label: str
    header: str | None = None
    """Over several neighbouring columns."""
    run: Fields = {}
    task: str | None = None
    average: str | None = None
    """A suite whose mean is shown."""
    lost_against: Fields | None = None
    """With `average`: how much less it is than that of the run with these fields instead."""
    shows: Literal["score", "at best", "beyond", "operations"] = "score"
    """With `average`: the score at the board's own temperature; that at the temperature which suits the model best; how
    much that is above the base at the temperature which suits the base best; or what the making of it cost, in 1e12
    operations."""
    slice: str | None = None
    """With `average`: of the items of this level or kind alone."""
    similarity: str | None = None
    """The queries that a row's task is compared with: a corpus of the board, or `self`."""

    @property
    def is_score(self) -> bool:
        """Whether it is the accuracy on all items of its tasks, as papers report it."""
        return not (self.lost_against or self.similarity or self.slice or self.shows != "score")

    @model_validator(mode="after")
    def _one_value(self) -> "Column":
        if sum(value is not None for value in (self.task, self.average, self.similarity)) != 1:
            raise ValueError(f"column '{self.label}' needs one of task, average, similarity")
        special = [bool(self.lost_against), bool(self.slice), self.shows != "score"]
        if sum(special) > 1 or (any(special) and not self.average):
            raise ValueError(
                f"column '{self.label}': one of lost_against, slice and shows, and with an average"
            )
        return self


class RowSpec(Section):
    label: str
    run: Fields = {}
    reported: str | None = None
    """Path into reported.yaml (`table1.{corpus}.sft`, filled with the fields of the run): one number a column."""
    supervised: bool = False
    task: str | None = None
    """The task of a row of similarities."""


class Group(Section):
    title: str | None = None
    run: Fields = {}
    rows: list[RowSpec]


class TableSpec(Section):
    """`tables/<number>.yaml`."""

    title: str
    caption: str = ""
    marks: Literal["none", "group", "table"] = "none"
    """Within what the best (bold) and second best (underlined) of a column are told; bases never are."""
    decimals: int = Field(default=2, ge=0, le=6)
    columns: list[Column]
    groups: list[Group]
    notes: list[str] = []
    """What a reader of the reported numbers must know."""


class Panel(Section):
    label: str
    run: Fields = {}
    reported: str | None = None
    end: PositiveInt | None = None
    """Training steps up to which the paper's axis goes."""


class FigureSpec(Section):
    """`figures/<number>.yaml`."""

    kind: Literal["calibration", "gains", "scores", "steps", "embeddings"]
    title: str
    alphas: list[float] = []
    average: str | None = None
    task: str | None = None
    run: Fields = {}
    panels: list[Panel] = []
    bars: list[str] = []
    lines: list[str] = []
    """Methods."""
    corpora: list[str] = []
    tasks: list[str] = []
    queries: PositiveInt = 500


class Leaderboard:
    """A board's folder: an installed one, or one of the user's own."""

    def __init__(self, folder: Traversable) -> None:
        self.folder = folder
        self.spec = validate(BoardSpec, _read(folder / "board.yaml"))
        reported = folder / "reported.yaml"
        self.reported: Layer = _read(reported) if reported.is_file() else {}

    def tables(self) -> list[str]:
        return self._names("tables")

    def figures(self) -> list[str]:
        return self._names("figures")

    def table(self, number: str) -> TableSpec:
        """Raises `InputError` that names the nearest table where there is none of that number."""
        return validate(TableSpec, self._read_named("tables", "table", number))

    def figure(self, number: str) -> FigureSpec:
        """Raises `InputError` that names the nearest figure where there is none of that number."""
        return validate(FigureSpec, self._read_named("figures", "figure", number))

    def layer(self, fields: Fields) -> Layer | None:
        """The recipe's layer of a run; None for a base, which is not trained. The model is in `model_of`."""
        from genius_bench.layers import merge

        if fields.get("method", "base") == "base":
            return None
        return merge(self.spec.common, *[self._value(axis, value) for axis, value in fields.items()])

    def model_of(self, fields: Fields) -> str:
        """The base model of a run."""
        layer = self._value("model", fields["model"]) if "model" in fields else {}
        return str(layer.get("model", self.spec.common.get("model", "lab")))

    def reported_values(self, path: str | None, fields: Fields) -> list[float | None] | dict[str, float]:
        """What reported.yaml holds at a path; an empty list where nothing was reported."""
        if path is None:
            return []
        found: Any = self.reported
        filled = path.format(**fields)
        for part in filled.split("."):
            if not isinstance(found, dict) or part not in found:
                raise InputError(f"board {self.spec.name}: reported.yaml has no '{filled}'")
            found = found[part]
        values: list[float | None] | dict[str, float] = found
        return values

    def _value(self, axis: str, value: str) -> Layer:
        axes = self.spec.axes
        if axis not in axes or value not in axes[axis]:
            valid = list(axes.get(axis, axes))
            raise InputError(f"board {self.spec.name} has no {axis} '{value}': {nearest(value, valid)}")
        return axes[axis][value]

    def _names(self, kind: str) -> list[str]:
        place = self.folder / kind
        names = [file.name.removesuffix(".yaml") for file in place.iterdir()] if place.is_dir() else []
        return sorted(
            names, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
        )

    def table_name(self, number: str) -> str:
        """`1` for `1`, `table1` or `Table1`. Raises `InputError` where there is no such table."""
        return self._existing("tables", "table", number)

    def _read_named(self, kind: str, what: str, number: str) -> Layer:
        return _read(self.folder / kind / f"{self._existing(kind, what, number)}.yaml")

    def _existing(self, kind: str, what: str, number: str) -> str:
        name = number.lower().removeprefix(what)
        if name not in self._names(kind):
            there = nearest(name, self._names(kind))
            raise InputError(f"board {self.spec.name} has no {what} '{number}': {there}")
        return name


def leaderboards() -> list[str]:
    """The installed boards."""
    root = files("genius_bench.leaderboards")
    return sorted(place.name for place in root.iterdir() if (place / "board.yaml").is_file())


def open_leaderboard(name: str) -> Leaderboard:
    """An installed board, or the one in a folder. Raises `InputError` where there is none."""
    path = Path(name).expanduser()
    if name in leaderboards():
        return Leaderboard(files("genius_bench.leaderboards") / name)
    if (path / "board.yaml").is_file():
        return Leaderboard(path)
    raise InputError(
        f"no board '{name}' (a folder with a board.yaml would do): {nearest(name, leaderboards())}"
    )


def _read(file: Traversable) -> Layer:
    return read_layer(Path(str(file)))
