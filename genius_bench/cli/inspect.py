"""`genius-bench inspect`: what a run's preference pairs teach, and why it worked or did not."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError

if TYPE_CHECKING:
    from genius_bench.evaluation.inspection import Inspection
    from genius_bench.evaluation.statistics import Estimate

BARS = " ▁▂▃▄▅▆▇█"


@app.command()
def inspect(
    home: Home,
    run: Annotated[str, typer.Argument(help="A run's id, or its beginning; the newest when not given.")] = "",
) -> None:
    """Show how often a run's chosen and rejected answers are right, their advantages, lengths and repetitions."""
    from genius_bench.artifacts import Store
    from genius_bench.corpora import load_corpus
    from genius_bench.engines.loading import load_tokenizer, resolve_model
    from genius_bench.evaluation.inspection import inspect_pairs
    from genius_bench.recipe import Recipe, validate
    from genius_bench.runs import read_runs

    runs = [one for one in read_runs(home) if one.checkpoints and one.id.startswith(run)]
    if not runs:
        raise InputError(f"no run '{run}' with a training set in {home}")
    found = runs[-1]
    recipe = validate(Recipe, found.recipe or {})
    answers = {query.id: query.answer for query in load_corpus(recipe.corpus).queries if query.answer}
    tokenizer = load_tokenizer(resolve_model(recipe.model).path, recipe.engine.chat_template)
    console = Console()
    for checkpoint in found.checkpoints:
        training_set = Store(home).find("training-set", checkpoint["training_set"])
        if training_set is None:
            raise InputError(f"the training set of run '{found.id}' is not in {home}")
        console.print(Text(f"{found.id}, iteration {checkpoint['iteration']}", style="bold"))
        seen = inspect_pairs(
            training_set.rows(), answers, lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
        )
        console.print(Text(_report(seen)))


def _report(seen: "Inspection") -> str:
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
    lines.append(f"tokens: chosen {seen.chosen_length:.1f}, rejected {seen.rejected_length:.1f}")
    lines.append(f"A(rejected) − A(chosen), nats per token; {100 * seen.calibrated:.1f} % calibrated (> 0):")
    return "\n".join([*lines, *histogram(seen.advantage_gaps)])


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
