"""On a terminal: what the models of a board do beyond sharpening, and how many questions they can solve at all."""

from rich.table import Table

from genius_bench.printing import new_table, words
from genius_bench.reporting.board import Board
from genius_bench.reporting.marks import recipes
from genius_bench.reporting.numbers import SIGNIFICANT, estimated, gained, p_value, percent, points
from genius_bench.reporting.row import told
from genius_bench.reporting.sharpening import Sharpening
from genius_bench.statistics import Difference

FINDINGS = (
    "Better than the base at its best",
    "Not to be told from the base at its best",
    "Worse than the base at its best",
)
PARTS = ("format", "sharpening", "rest")


def control_tables(board: Board) -> list[Table]:
    """The tables of what was asked beside the board's own settings; none where nothing was."""
    tables = (_beyond(board), _parts(board), _coverage(board), _changes(board))
    return [table for table in tables if table is not None]


def in_words(board: Board) -> list[str]:
    """How much of the best gain a lower temperature gives for nothing, and which rows cannot be told from that."""
    lines = []
    for control in (row for row in board.rows if row.is_control):
        children = [one for one in recipes(board) if one.base == control.base]
        gains = {one.label: one.average_gain.difference for one in children if one.average_gain}
        free = control.average_gain.difference if control.average_gain else None
        if free is not None and gains:
            best = max(gains, key=lambda label: gains[label])
            lines.append(
                f"For nothing, {control.label} gains {points(free)} points; the most that training gained is "
                f"{points(gains[best])} ({best})."
            )
        found: dict[str, list[str]] = {}
        for one in children:
            if one.sharpening and one.sharpening.beyond:
                found.setdefault(_finding(one.sharpening.beyond), []).append(one.label)
        lines += [
            f"{what} ({control.label}): {', '.join(found[what])}." for what in FINDINGS if what in found
        ]
    if board.not_controlled:
        lines.append(f"Not asked at other temperatures: {', '.join(board.not_controlled)}.")
    return lines


def _finding(beyond: Difference) -> str:
    if beyond.p_value >= SIGNIFICANT:
        return FINDINGS[1]
    return FINDINGS[0] if beyond.difference > 0 else FINDINGS[2]


def _beyond(board: Board) -> Table | None:
    rows = [(row, row.sharpening) for row in board.rows if row.sharpening]
    if not rows:
        return None
    table = new_table("at its best", "best at", "score", "beyond sharpening", "p", "detectable")
    for row, found in rows:
        table.add_row(
            words(row.label),
            _best(found),
            estimated(found.at_best),
            gained(found.beyond),
            p_value(found.beyond.p_value if found.beyond else None),
            "" if found.detectable is None else percent(found.detectable),
        )
    return table


def _best(found: Sharpening) -> str:
    return "/".join(dict.fromkeys(map(told, found.best)))


def _parts(board: Board) -> Table | None:
    rows = [(row, row.sharpening.parts) for row in board.rows if row.sharpening and row.sharpening.parts]
    if not rows:
        return None
    table = new_table("gain made of", *PARTS)
    for row, parts in rows:
        table.add_row(words(row.label), *(gained(parts[name]) for name in PARTS))
    return table


def _coverage(board: Board) -> Table | None:
    rows = [(row, row.coverage) for row in board.rows if row.coverage]
    if not rows:
        return None
    sizes = sorted({k for _, found in rows for k in found.pass_at})
    shown = sorted({sizes[0], sizes[len(sizes) // 2], sizes[-1]})
    table = new_table("coverage", *(f"pass@{k}" for k in shown), "crossing", "gained", "lost")
    for row, found in rows:
        crossing = "" if found.gained is None else "none" if found.crossing is None else f"k={found.crossing}"
        table.add_row(
            words(row.label),
            *(percent(found.pass_at[k].value) if k in found.pass_at else "–" for k in shown),
            crossing,
            *("" if count is None else f"{count:g}" for count in (found.gained, found.lost)),
        )
    return table


def _changes(board: Board) -> Table | None:
    rows = [(row, row.changes) for row in board.rows if row.changes]
    if not rows:
        return None
    table = new_table("greedy answers", "wrong → right", "right → wrong", "McNemar's p")
    for row, found in rows:
        table.add_row(
            words(row.label), str(found.wrong_to_right), str(found.right_to_wrong), p_value(found.p_value)
        )
    return table
