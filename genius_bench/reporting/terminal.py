"""Boards on a terminal: two tables that stay readable at 80 columns, in a pipe, and without colour."""

from dataclasses import replace

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from genius_bench.evaluation.protocols import protocols
from genius_bench.printing import new_table, words
from genius_bench.progress import duration
from genius_bench.readable import readable_name
from genius_bench.reporting.averages import comparable
from genius_bench.reporting.board import Board
from genius_bench.reporting.control_tables import control_tables
from genius_bench.reporting.finding import finding
from genius_bench.reporting.legend import legend
from genius_bench.reporting.numbers import SIGNIFICANT, estimated, gained, p_value, percent, points
from genius_bench.reporting.row import Row
from genius_bench.statistics import Difference

LABEL_WIDTH = 16
"""Longer labels wrap rather than push tasks into another table."""
GREY_ABOVE = 0.2
"""A row with more failed answers than this share is dimmed: its numbers say more about format than about skill."""


def show_board(board: Board, console: Console, *, cost: bool = False) -> None:
    """`cost` puts what the models cost beside what they gained, cheapest first."""
    board = replace(board, rows=[replace(row, label=readable_name(row.label)) for row in board.rows])
    if found := finding(board):
        console.print(words(found, style="bold"))
    console.print(_heading(board))
    tables = [
        _summary(board),
        *control_tables(board),
        *_by_task(board, console.width),
        *_by_slice(board, console.width),
        _samples(board),
        _answers(board),
    ]
    tables += [_costs(board)] if cost and any(row.cost for row in board.rows) else []
    for table in filter(None, tables):
        console.print(table)
        console.print()
    console.print(legend(board, cost))


def _heading(board: Board) -> Text:
    settings = board.settings
    protocol = protocols()[settings["protocol"]]
    samples = protocol.samples if settings["samples"] is None else settings["samples"]
    drawn = (
        f"{samples} sample{'s' if samples > 1 else ''} at T={settings['temperature']:g}" if samples else ""
    )
    answers = " and ".join(filter(None, ["greedy" if protocol.greedy else "", drawn]))
    limited = f", first {settings['limit']} items of each task only" if settings.get("limit") else ""
    lab = "lab numbers · " if all(task.startswith("lab_") for task in board.tasks) else ""
    limited += f", on the {settings['split']} split" if settings.get("split") else ""
    tasks = f"{len(board.tasks)} task{'s' if len(board.tasks) > 1 else ''}"
    text = f"{lab}{tasks} · protocol {settings['protocol']} · {answers}{limited}"
    return words(text, style="dim")


def _summary(board: Board) -> Table:
    compared = any(row.average_gain is not None for row in board.rows)
    greedy = _metric_name(board) != "greedy" and any(row.greedy is not None for row in board.rows)
    columns = [_metric_name(board), *(["gain over base", "p"] if compared else [])]
    placebo = any(row.over_placebo is not None for row in board.rows)
    columns += ["over placebo"] if placebo else []
    columns += (["greedy", *(["gain"] if compared else [])]) if greedy else []
    table = new_table("model", *columns)
    for row in board.rows:
        cells = {
            "gain over base": gained(row.average_gain),
            "p": p_value(row.average_gain.p_value if row.average_gain else None),
            "over placebo": _marked(row.over_placebo),
            "greedy": "–" if row.greedy is None else percent(row.greedy),
            "gain": "" if row.greedy_gain is None else points(row.greedy_gain.difference),
        }
        table.add_row(
            words(row.label),
            estimated(row.average),
            *(cells[column] for column in columns[1:]),
            style="dim" if row.failures.get("any_failure", 0) > GREY_ABOVE else "",
        )
    return table


def _by_task(board: Board, width: int) -> list[Table]:
    """One table, or several beneath each other where the tasks would not fit side by side."""
    wide = width >= 110
    labels = min(max(len(row.label) for row in board.rows), LABEL_WIDTH)
    best = {
        task: max((row.cells[task].value for row in board.rows if row.cells.get(task)), default=None)  # type: ignore[union-attr]
        for task in board.tasks
    }
    tables = []
    for tasks in _side_by_side(board.tasks, width - labels, 11 if wide else 6):
        table = new_table()
        table.add_column("model", min_width=labels)
        for task in tasks:
            table.add_column(task.removeprefix("lab_"), justify="right", no_wrap=True)
        for row in board.rows:
            table.add_row(words(row.label), *(_cell(row, task, best[task], wide) for task in tasks))
        tables.append(table)
    return tables


def _by_slice(board: Board, width: int) -> list[Table]:
    """As the tables of the tasks: one, or several beneath each other."""
    names = list(dict.fromkeys(name for row in board.rows for name in row.slices))
    if not names:
        return []
    labels = min(max(len(row.label) for row in board.rows), LABEL_WIDTH)
    tables = []
    for shown in _side_by_side(names, width - labels, 6):
        table = new_table()
        table.add_column("by kind of item", min_width=labels)
        for name in shown:
            table.add_column(name, justify="right", no_wrap=True)
        for row in (row for row in board.rows if row.slices):
            found = (row.slices.get(name) for name in shown)
            cells = (f"{percent(one.value.value)}{_mark(one.gain)}" if one else "–" for one in found)
            table.add_row(words(row.label), *cells)
        tables.append(table)
    return tables


def _side_by_side(tasks: list[str], room: int, least: int) -> list[list[str]]:
    """The tasks in groups whose columns fit `room` characters."""
    groups: list[list[str]] = [[]]
    left = room
    for task in tasks:
        needed = max(len(task.removeprefix("lab_")), least) + 2
        if needed > left and groups[-1]:
            groups.append([])
            left = room
        groups[-1].append(task)
        left -= needed
    return groups


def _cell(row: Row, task: str, best: float | None, wide: bool) -> RenderableType:
    estimate = row.cells.get(task)
    if estimate is None:
        return words("–", style="dim")
    mark = _mark(row.gains.get(task))
    interval = f"±{50 * (estimate.high - estimate.low):.1f}" if wide else ""
    return words(f"{percent(estimate.value)}{interval}{mark}", style="bold" if estimate.value == best else "")


def _marked(gain: Difference | None) -> str:
    """In points, marked where it is not to be explained by chance."""
    return "" if gain is None else f"{points(gain.difference)}{_mark(gain)}"


def _mark(gain: Difference | None) -> str:
    if gain is None or gain.p_value >= SIGNIFICANT:
        return ""
    return "▲" if gain.difference > 0 else "▼"


def _models(board: Board) -> list[Row]:
    """The rows that stand for models; a base at another temperature has no answers of its own to tell about."""
    return [row for row in board.rows if not row.is_control]


def _answers(board: Board) -> Table:
    """What lies behind the numbers: the published rules' verdict, and the answers that could not count."""
    table = new_table("answers", "published rules", "unparsed", "truncated", "empty", "errors", "ungraded")
    for row in _models(board):
        kinds = ("format_failure", "truncated", "empty", "error", "ungraded")
        table.add_row(
            words(row.label), estimated(row.released), *(f"{percent(row.failures[kind])}%" for kind in kinds)
        )
    return table


def _samples(board: Board) -> Table | None:
    """What several samples of a question are worth together: how often one is right, and what most of them say."""
    names = [name for row in board.rows for name in row.several if "@" in name]
    largest = max((int(name.split("@")[1]) for name in names), default=0)
    wanted = [name for name in (f"pass@{largest}", f"maj@{largest}") if name in names]
    if not wanted:
        return None
    table = new_table("samples", "one", *wanted)
    for row in _models(board):
        several = (row.several.get(name) for name in ("one", *wanted))
        table.add_row(words(row.label), *("–" if value is None else percent(value) for value in several))
    return table


def _costs(board: Board) -> Table:
    amounts = ("gain", "sampled", "judged", "trained", "FLOPs", "time")
    table = new_table("cost", _metric_name(board), *amounts)
    made = [(row.cost, row) for row in board.rows if row.cost is not None]
    for cost, row in sorted(made, key=lambda pair: pair[0].flops):
        gain = row.average_gain
        table.add_row(
            words(row.label),
            "–" if row.average is None else percent(row.average.value),
            "" if gain is None else points(gain.difference),
            *(_tokens(count) for count in (cost.tokens_sampled, cost.tokens_judged, cost.tokens_trained)),
            f"{cost.flops:.1e}",
            duration(cost.seconds),
        )
    return table


def _tokens(count: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.2f}{unit}"
    return f"{count:.0f}"


def _metric_name(board: Board) -> str:
    """What the averages are of: samples, greedy answers, or (tasks differ) each task's own number."""
    kinds = {metric.removeprefix("released_") for metric in comparable(board.metrics).values()}
    if kinds == {"sampled"}:
        return f"T={board.settings['temperature']:g}"
    return "greedy" if kinds == {"greedy"} else "score"
