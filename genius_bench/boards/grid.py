"""The runs behind a board's tables: which there must be, which there are, and which are missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genius_bench.boards.filling import fields_of, is_base, path_of
from genius_bench.boards.measuring import Home, tasks_of
from genius_bench.boards.specification import Fields, Leaderboard
from genius_bench.layers import Layer, merge
from genius_bench.resolution import Resolved, resolve


@dataclass(kw_only=True)
class Wanted:
    """One run, or one base to be scored (`layer` is None), and what of it is still missing."""

    fields: Fields
    model: str
    seed: int | None
    layer: Layer | None
    tasks: list[str] = field(default_factory=list)
    """All that some cell shows."""
    missing: list[str] = field(default_factory=list)
    """Of these, the tasks that it has no score on."""
    cells: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        if self.layer is None:
            return f"{self.model} (base)"
        words = " ".join(value for axis, value in self.fields.items() if axis != "method")
        return " ".join(filter(None, [self.fields["method"], words, f"seed {self.seed}"]))

    def resolved(self, overrides: Layer) -> Resolved:
        """The recipe, to be scored on `tasks`. Raises `InputError` where the board's layers make no valid one."""
        assert self.layer is not None, "a base has no recipe"
        evaluation = {"evaluation": {"suite": ",".join(self.tasks)}}
        return resolve(merge(self.layer, {"seed": self.seed}, evaluation, overrides))


@dataclass(frozen=True)
class Grid:
    """Bases first, then runs in an order in which neighbours share their samples."""

    wanted: list[Wanted]
    similarities: list[str]
    """Tables of similarities, which no run fills."""

    @property
    def missing(self) -> list[Wanted]:
        return [one for one in self.wanted if one.missing]


def grid_of(leaderboard: Leaderboard, tables: Sequence[str], home: Path, seeds: Sequence[int] = ()) -> Grid:
    """Every run that the cells of `tables` name, each once. `seeds` are the board's own where none are given."""
    found: dict[tuple[Any, ...], Wanted] = {}
    similarities = []
    for number in tables:
        spec = leaderboard.table(number)
        if any(column.similarity for column in spec.columns):
            similarities.append(number)
            continue
        for group in spec.groups:
            for row in group.rows:
                for column in spec.columns:
                    fields = fields_of(group, row, column)
                    path = path_of(number, group, row, column)
                    for one in _runs_of(leaderboard, fields, seeds or leaderboard.spec.seeds):
                        kept = found.setdefault(_key(one), one)
                        kept.tasks += [task for task in tasks_of(column, row) if task not in kept.tasks]
                        kept.cells.append(path)
    _look(leaderboard, list(found.values()), home)
    return Grid(sorted(found.values(), key=_order), similarities)


def _runs_of(leaderboard: Leaderboard, fields: Fields, seeds: Sequence[int]) -> list[Wanted]:
    """The run of a cell for every seed, and the base that it is compared with."""
    model = leaderboard.model_of(fields)
    axis = {"model": fields["model"]} if "model" in fields else {}
    base = Wanted(fields={"method": "base", **axis}, model=model, seed=None, layer=None)
    if is_base(fields):
        return [base]
    layer = leaderboard.layer(fields)
    return [base, *(Wanted(fields=fields, model=model, seed=seed, layer=layer) for seed in seeds)]


def _look(leaderboard: Leaderboard, wanted: list[Wanted], home: Path) -> None:
    """Fills in what a home does not have yet."""
    from genius_bench.boards.specification import Column

    tasks = list(dict.fromkeys(task for one in wanted for task in one.tasks))
    opened = Home(home, leaderboard, [Column(label=task, task=task) for task in tasks])
    for one in wanted:
        made = opened.by_seed(one.fields)
        names = list(made.values()) if one.layer is None else [made[one.seed]] if one.seed in made else []
        one.missing = [task for task in one.tasks if not opened.is_scored(names, task)]


def _key(one: Wanted) -> tuple[Any, ...]:
    """Two cells whose layers make the same recipe (the whole method stands in several tables) share their run."""
    if one.layer is None:
        return ("base", one.model)
    recipe = resolve(merge(one.layer, {"seed": one.seed})).recipe
    return ("run", recipe.model_dump_json())


def _order(one: Wanted) -> tuple[Any, ...]:
    """Runs that differ in their objective only follow each other: the first samples, the others find it."""
    if one.layer is None:
        return (0, one.model)
    fields = one.fields
    return (
        1,
        one.seed,
        one.model,
        fields.get("corpus", ""),
        fields["method"],
        fields.get("variant", ""),
        fields.get("objective", ""),
    )
