"""What the rows of a board rest on, said beneath it: help from outside, a single training seed, a single base model."""

from genius_bench.reporting.board import Board
from genius_bench.reporting.row import Row

HELP = {"answers": "gold answers", "references": "gold responses", "pairs": "pairs made elsewhere"}
"""Label of a corpus (`Method.needs`) → what its readers call it."""


def marks(board: Board) -> list[str]:
    """None of a board without a trained model."""
    rows = recipes(board)
    if not rows:
        return []
    helped: dict[str, list[str]] = {}
    for row in rows:
        for label in row.helped_by:
            helped.setdefault(label, []).append(row.label)
    told = [f"{HELP.get(label, label)} ({', '.join(labels)})" for label, labels in sorted(helped.items())]
    lines = [f"Help from outside: {'; '.join(told)}."] if told else []
    single = [row.label for row in rows if row.seeds == 1]
    if single:
        lines.append(f"One training seed only, whose luck no interval holds: {', '.join(single)}.")
    names = {row.base: row.label.removesuffix(" (base)") for row in board.rows if row.is_base}
    if len({row.base for row in rows}) == 1:
        name = names.get(rows[0].base, "its base")
        lines.append(f"All trained from one base model, {name}: another family's may learn otherwise.")
    return lines


def recipes(board: Board) -> list[Row]:
    """The rows of trained models; a recipe's seeds count together where there are several."""
    trained = [row for row in board.rows if not row.is_base and not row.is_control]
    together = {one for row in trained if row.seeds > 1 for one in row.fingerprints}
    return [row for row in trained if row.seeds > 1 or not together.intersection(row.fingerprints)]
