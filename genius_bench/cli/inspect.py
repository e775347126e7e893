"""`genius-bench inspect`: what preference pairs teach, and why a run worked or did not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError
from genius_bench.printing import open_console, words

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
) -> None:
    """Show how often chosen and rejected answers are right, their advantages, lengths and repetitions."""
    from genius_bench.evaluation.inspection import inspect_pairs

    path = Path(dataset).expanduser()
    sets = {path.name: _pairs_of_file(path)} if dataset and path.exists() else _pairs_of_run(home, dataset)
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
    from genius_bench.artifacts import Store
    from genius_bench.corpora import load_corpus
    from genius_bench.engines.loading import load_tokenizer, resolve_model
    from genius_bench.evaluation.inspection import sampled_pairs
    from genius_bench.layers import validate
    from genius_bench.recipe import Recipe
    from genius_bench.runs import read_runs
    from genius_bench.sampling.collecting import rows_and_left_out

    runs = [one for one in read_runs(home) if one.checkpoints and one.id.startswith(beginning)]
    if not runs:
        raise InputError(f"no file '{beginning}', and no run of that id with a training set in {home}")
    run = runs[-1]
    recipe = validate(Recipe, run.recipe or {})
    answers = {query.id: query.answer for query in load_corpus(recipe.corpus).queries if query.answer}
    tokenizer = load_tokenizer(resolve_model(recipe.model).path, recipe.engine.chat_template)
    found = {}
    for checkpoint in run.checkpoints:
        training_set = Store(home).find("training-set", checkpoint["training_set"])
        if training_set is None:
            raise InputError(f"the training set of run '{run.id}' is not in {home}")
        pairs = sampled_pairs(
            training_set.rows(), answers, lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
        )
        counts = rows_and_left_out(training_set)
        found[f"{run.id}, iteration {checkpoint['iteration']}: {counts}"] = pairs
    return found


def _report(seen: "Inspection") -> str:
    if not seen.pairs:
        return "no preference pairs: this training set holds demonstrations"
    lines = [f"{seen.pairs} pairs of {seen.queries} queries, {seen.duplicates} repeated"]
    if seen.chosen_right and seen.rejected_right:
        lines += [
            f"chosen right   {_percent(seen.chosen_right)}   (of {seen.graded} pairs with a checkable answer)",
            f"rejected right {_percent(seen.rejected_right)}",
            f"equally right  {100 * seen.both_alike:.1f} %   (these teach style, not correctness)",
        ]
        lines += [
            f"  {name:<8} {pairs:>6} pairs: chosen {100 * chosen:.1f} %, rejected {100 * rejected:.1f} %"
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
            f"A(rejected) − A(chosen), nats per token; {100 * seen.calibrated:.1f} % calibrated (> 0):"
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


def _percent(estimate: "Estimate") -> str:
    return f"{100 * estimate.value:.1f} % [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
