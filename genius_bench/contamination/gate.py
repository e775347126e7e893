"""Before training: whether the queries hold items that the run will be scored on."""

from dataclasses import dataclass

from genius_bench.contamination.overlap import Overlap, find_overlap
from genius_bench.contamination.sources import benchmark_items, query_texts
from genius_bench.corpora import Corpus
from genius_bench.errors import InputError
from genius_bench.recipe import EvaluationSection


@dataclass(frozen=True)
class Gate:
    """What was found, and which tasks could not be looked at."""

    overlap: Overlap
    missing: dict[str, str]

    def record(self) -> dict[str, dict[str, int]]:
        """Task → how many of its items were met, for the run's own record."""
        return {
            task.task: {"items": task.items, "met": task.items_met, "whole": task.items_inside}
            for task in self.overlap.tasks
        }

    def lines(self) -> list[str]:
        """What a user should know; nothing when nothing was found."""
        found = [
            f"contamination: {task.items_inside} of {task.items} items of {task.task} stand word for word in training "
            f"queries (first: query '{task.examples[0].query}')"
            for task in self.overlap.tasks
            if task.items_inside
        ]
        if self.missing:
            found.append(
                f"contamination not checked against {', '.join(self.missing)}: their items are not here"
            )
        return found


def check_queries(corpus: Corpus, tasks: list[str], settings: EvaluationSection) -> Gate:
    benchmarks = benchmark_items(tasks, settings.data, settings.split)
    return Gate(find_overlap(query_texts(corpus), benchmarks.items), benchmarks.missing)


def refuse(gate: Gate) -> None:
    """Raises `InputError` where an item stands in a query, or where nobody could look."""
    if gate.lines():
        raise InputError(
            f"{'; '.join(gate.lines())}. Mend the corpus, or go on with --set corpus.overlap=warn"
        )
