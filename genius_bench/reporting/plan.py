"""Plans on a terminal: five narrow columns, readable at 60; a small letter behind each number says its source."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from genius_bench.planning.amounts import NOTHING, Amount, Source, found
from genius_bench.planning.fitting import gib
from genius_bench.planning.needs import Need
from genius_bench.planning.plan import Part, Plan
from genius_bench.planning.steps import Load, Step
from genius_bench.printing import new_table, words

COLUMNS = ("requests", "read", "sampled", "judged", "trained")
RARE = ("judged", "trained")
"""Columns that stand there only where there are such tokens."""
UNTIMED = "–"


def show_plan(plan: Plan, console: Console) -> None:
    """What each recipe takes, then the sum, room on disk, and where the numbers come from."""
    for part in plan.parts:
        console.print(words(part.title, style="bold"))
        console.print(words(part.subject))
        console.print()
        console.print(_steps(part, plan if len(plan.parts) == 1 else None))
        console.print()
        if part.needs:
            console.print(_memory(part.needs))
            console.print()
    for line in _summary(plan):
        console.print(words(line))
    console.print(words(_legend(plan), style="dim"))
    for note in plan.notes:
        console.print(words(f"note: {note}."))


def _steps(part: Part, whole: Plan | None) -> Table:
    columns = [name for name in COLUMNS if name not in RARE or any(_has(step, name) for step in part.steps)]
    table = new_table("stage", *columns, "time", padding=(0, 1, 0, 0))
    for label, steps in _rows(part.steps):
        table.add_row(words(label), *_cells(steps, columns))
    if whole is not None:
        table.add_row("total", *_numbers(whole.total, whole.timed, columns), style="bold")
    return table


def _has(step: Step, column: str) -> bool:
    return bool(step.load.amounts[column].value)


def _rows(steps: Sequence[Step]) -> Iterator[tuple[str, list[Step]]]:
    """One row a stage; the tasks of a model together where several models are scored."""
    scored: dict[str, list[Step]] = {}
    for step in steps:
        if step.kind == "evaluate":
            scored.setdefault(step.model, []).append(step)
        else:
            yield f"{'sample' if step.kind == 'sample' else 'train'} {step.iteration}", [step]
    for model, mine in scored.items():
        if len(scored) == 1:
            yield from ((step.task, [step]) for step in mine)
        else:
            yield f"score {model.rstrip('/').rpartition('/')[2]}", mine


def _cells(steps: list[Step], columns: list[str]) -> list[str]:
    states = {step.state for step in steps}
    if states <= {"found", "planned above"}:
        return ["found" if "found" in states else "as above", *[""] * len(columns)]
    load = sum((step.load for step in steps), Load())
    return _numbers(load, all(step.timed for step in steps), columns)


def _numbers(load: Load, timed: bool, columns: list[str]) -> list[str]:
    return [
        *(_count(load.amounts[column]) for column in columns),
        _time(load.seconds) if timed else UNTIMED,
    ]


def _memory(needs: Sequence[Need]) -> Table:
    table = new_table("memory per device", *(need.purpose for need in needs), padding=(0, 1, 0, 0))
    for name in dict.fromkeys(name for need in needs for name in need.parts):
        table.add_row(name, *(_size(need.parts.get(name)) for need in needs))
    table.add_row("together", *(_size(need.total) for need in needs), style="bold")
    if any(need.peak for need in needs):
        table.add_row("taken when tried", *(_size(need.peak) for need in needs))
    if any(need.processes > 1 for need in needs):
        table.add_row("processes that share", *(str(need.processes) for need in needs))
    if any(need.there for need in needs):
        table.add_row("there is", *(_size(found(need.there or 0)) for need in needs))
    return table


def _summary(plan: Plan) -> list[str]:
    load, lines = plan.total, []
    if not plan.timed:
        lines.append("time: nobody knows how fast this is")
    elif not load.seconds.value:
        lines.append("nothing is left to do: everything is found")
    else:
        lines.append(f"time: {_time(load.seconds)}, {_hours(load.device_seconds)} device-hours")
    if load.judge_calls.value:
        cost = (
            f", at most {load.judge_cost.value:.2f} in the currency of the prices"
            if load.judge_cost.value
            else ""
        )
        lines.append(f"judge: {_count(load.judge_calls)} calls, {_count(load.judge_tokens)} tokens{cost}")
    working = f", {_size(plan.working_bytes)} more while training" if plan.working_bytes.value else ""
    lines.append(f"disk: {_size(load.stored)} stored{working}; {_size(found(plan.disk_free))} free")
    return lines


def _legend(plan: Plan) -> str:
    amounts = [amount for step in plan.steps for amount in step.load.amounts.values()]
    for need in (need for part in plan.parts for need in part.needs):
        amounts += [*need.parts.values(), need.peak or NOTHING]
    used = {amount.source for amount in amounts if amount.value}
    return " · ".join(
        f"{source.mark} {source.label} ({source.meaning})" for source in Source if source in used
    )


def _count(amount: Amount) -> str:
    return f"{_short(amount.value)}{amount.source.mark}" if amount.value else UNTIMED


def _short(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 1000 * size else f"{value / size:.0f}{unit}"
    return f"{value:.0f}"


def _size(amount: Amount | None) -> str:
    return f"{gib(amount.value)}{amount.source.mark}" if amount and amount.value else UNTIMED


def _time(seconds: Amount) -> str:
    if not seconds.value:
        return UNTIMED
    value, mark = seconds.value, seconds.source.mark
    if value < 120:
        return f"{value:.0f} s{mark}"
    if value < 7200:
        return f"{value / 60:.0f} min{mark}"
    return f"{value / 3600:.1f} h{mark}"


def _hours(seconds: Amount) -> str:
    return f"{seconds.value / 3600:.3g}{seconds.source.mark}"
