"""`genius-bench inspect`: what preference pairs teach, and why a run worked or did not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json
from genius_bench.printing import open_console, plain, say_json, words
from genius_bench.reporting.numbers import percent

if TYPE_CHECKING:
    from genius_bench.evaluation.inspection import Inspection, TextPair
    from genius_bench.statistics import Estimate

BARS = " ▁▂▃▄▅▆▇█"


@app.command()
def inspect(
    home: Home,
    dataset: Annotated[
        str,
        typer.Argument(
            help="A run's id or its beginning, or a file of pairs (columns prompt, chosen, rejected, answer); "
            "the newest run when not given."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show how often chosen and rejected answers are right, their advantages, lengths and repetitions."""
    from genius_bench.evaluation.inspection import inspect_pairs

    path = Path(dataset).expanduser()
    sets = {path.name: _pairs_of_file(path)} if dataset and path.exists() else _pairs_of_run(home, dataset)
    if as_json:
        say_json([{"name": title, **plain(inspect_pairs(pairs))} for title, pairs in sets.items()])
        return
    console = open_console()
    for title, pairs in sets.items():
        console.print(words(title, style="bold"))
        console.print(words(_report(inspect_pairs(pairs))))


def _pairs_of_file(path: Path) -> "list[TextPair]":
    from genius_bench.corpora.files import open_local
    from genius_bench.corpora.stream import BadRows
    from genius_bench.evaluation.inspection import recorded_pairs

    records = open_local(path, BadRows(skip=False)).records
    return recorded_pairs((record.where, record.values) for record in records)


def _pairs_of_run(home: Path, beginning: str) -> "dict[str, list[TextPair]]":
    """The pairs of every iteration."""
    from genius_bench.reporting.training_rows import trained_on
    from genius_bench.sampling.collecting import rows_and_left_out

    run, sets = trained_on(home, beginning)
    return {
        f"{run.id}, iteration {one.iteration}: {rows_and_left_out(one.training_set)}": one.pairs()
        for one in sets
    }


def _report(seen: "Inspection") -> str:
    if not seen.pairs:
        return "no preference pairs: this training set holds demonstrations"
    lines = [f"{seen.pairs} pairs of {seen.queries} queries, {seen.duplicates} repeated"]
    if seen.chosen_right and seen.rejected_right:
        lines += [
            f"chosen right   {_interval(seen.chosen_right)}   (of {seen.graded} pairs with a checkable answer)",
            f"rejected right {_interval(seen.rejected_right)}",
            f"equally right  {percent(seen.both_alike)} %   (these teach style, not correctness)",
        ]
        lines += [
            f"  {name:<8} {pairs:>6} pairs: chosen {percent(chosen)} %, rejected {percent(rejected)} %"
            for name, (pairs, chosen, rejected) in seen.by_group.items()
        ]
    else:
        lines.append("no query has an answer that can be checked")
    lines.append(
        f"length: chosen {seen.chosen_length:.1f}, rejected {seen.rejected_length:.1f}; the difference:"
    )
    lines += histogram(seen.length_gaps)
    if seen.advantage_gaps:
        lines.append(
            f"A(rejected) − A(chosen), nats per token; {percent(seen.calibrated)} % calibrated (> 0):"
        )
        lines += histogram(seen.advantage_gaps)
    return "\n".join(lines)


def histogram(values: list[float], columns: int = 48) -> list[str]:
    """Two lines: bars, and the ends of the scale."""
    if not values:
        return ["(none)"]
    low, high = min(values), max(values)
    width = (high - low) / columns or 1.0
    counts = [0] * columns
    for value in values:
        counts[min(int((value - low) / width), columns - 1)] += 1
    bars = "".join(BARS[-(-count * (len(BARS) - 1) // max(counts))] for count in counts)
    ends = f"{low:<{columns // 2}.3f}{high:>{columns - columns // 2}.3f}"
    return [bars, ends]


def _interval(estimate: "Estimate") -> str:
    return f"{percent(estimate.value)} % [{percent(estimate.low)}, {percent(estimate.high)}]"
