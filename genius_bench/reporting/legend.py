"""What stands beneath a board: how its numbers were made, and what a reader must know of some of them."""

from rich.text import Text

from genius_bench.printing import words
from genius_bench.reporting.averages import comparable
from genius_bench.reporting.board import Board
from genius_bench.reporting.control_tables import in_words
from genius_bench.reporting.marks import marks

CONTROL = (
    "At its best: every model at the temperature that suits it, chosen on other items than are reported; beyond "
    "sharpening: against the base at its own. A gain is made of format (more answers can be read), sharpening (what "
    "the base gains where it is as certain as the model: equal mean entropy of its tokens) and rest."
)


def legend(board: Board, cost: bool) -> Text:
    """The small print: only what the tables above it need."""
    lines = [
        "Averages are unweighted means over tasks (and over the seeds of a row that names several), in percent; ± and "
        "[ ] are 95 % intervals over questions (and seeds). Published rules: the same answers by the paper's "
        "extraction scripts, over the tasks these cover.",
    ]
    if any(row.average_gain is not None for row in board.rows):
        lines.append("▲▼ differ from the base at p < 0.05, paired by question, Holm-corrected over tasks.")
    if any(row.several for row in board.rows):
        lines.append(
            "pass@k: a right one among k samples; maj@k: the most frequent result of k (programs have none to compare)."
        )
    if any(row.over_placebo is not None for row in board.rows):
        lines.append(
            "Over placebo: against pairs drawn at random, or unfiltered responses imitated; ▲▼ at p < 0.05."
        )
    if any(row.sharpening for row in board.rows):
        lines += [*in_words(board), CONTROL]
    if any(row.coverage for row in board.rows):
        lines.append(
            "Coverage: of the questions that were sampled often; crossing: the smallest k at which the base solves as "
            "many; gained and lost: questions never solved by the other's samples."
        )
    if cost and any(row.cost for row in board.rows):
        lines.append(
            "Cost: tokens sampled, written as a judge, and trained (prompts included), from the base to the "
            "checkpoint; FLOPs estimated from the model's size; time: what its artifacts took to make."
        )
    if any(row.slices for row in board.rows):
        lines.append("By kind of item: ▲▼ differ from the base at p < 0.05, Holm-corrected over the columns.")
    lines += marks(board)
    if board.outdated:
        lines.append(
            f"Not shown, since they were scored on earlier versions of these tasks: {', '.join(board.outdated)}."
        )
    if board.metrics.keys() - comparable(board.metrics).keys():
        lines.append("Win rates and ratings are no part of the averages.")
    lines += [f"– {task} is not scored: {reason}." for task, reason in board.not_scored.items()]
    lines += [
        f"Not on this board: {said} (genius-bench board --number {n})." for n, said in board.elsewhere.items()
    ]
    return words("\n".join([*lines, *_notes(board)]), style="dim")


def _notes(board: Board) -> list[str]:
    """Each note once, with the tasks and models that it is about."""
    about: dict[str, dict[str, list[str]]] = {}
    for row in board.rows:
        for task, notes in row.notes.items():
            for note in notes:
                about.setdefault(note, {}).setdefault(task, []).append(row.label)
    lines, models_of = [], sum(not row.is_control for row in board.rows)
    for note, tasks in about.items():
        everyone = all(len(labels) == models_of for labels in tasks.values())
        models = dict.fromkeys(label for labels in tasks.values() for label in labels)
        who = "" if everyone else f" ({', '.join(models)})"
        lines.append(f"! {', '.join(tasks)}{who}: {note}.")
    return lines
