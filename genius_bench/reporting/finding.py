"""What a board found, in one sentence: the recipe that gained most, and how much of that is more than sharpening."""

from genius_bench.reporting.board import Board
from genius_bench.reporting.marks import recipes
from genius_bench.reporting.numbers import SIGNIFICANT, gained
from genius_bench.reporting.row import Row
from genius_bench.statistics import Difference


def finding(board: Board) -> str | None:
    """None where nothing is compared with its base. A recipe's seeds count together where there are several."""
    rows = [row for row in recipes(board) if row.average_gain]
    if not rows:
        return None
    best = max(rows, key=lambda row: _gain(row).difference)
    gain = _gain(best)
    words = f"{best.label} {gained(gain)} over {_base(board, best)}"
    if gain.p_value >= SIGNIFICANT or gain.difference <= 0:
        words = f"No gain that chance does not explain: the most is {words}"
    if best.sharpening and best.sharpening.beyond:
        words += f"; {gained(best.sharpening.beyond)} beyond sharpening"
    return words


def _gain(row: Row) -> Difference:
    assert row.average_gain is not None
    return row.average_gain


def _base(board: Board, row: Row) -> str:
    """What the base is called, for who reads a sentence."""
    labels = (one.label for one in board.rows if one.is_base and one.base == row.base)
    return next(labels, "its base").removesuffix(" (base)")
