"""Every model that was scored: what it is called, whose child it is, what it cost, and its answers' verdicts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genius_bench import registry
from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.evaluation.metrics import FAILURES, item_values_of
from genius_bench.evaluation.scores import read_scores
from genius_bench.integrity import digest_of
from genius_bench.layers import leaves, merge
from genius_bench.method import Method
from genius_bench.reporting.cost import Cost, cost_of
from genius_bench.reporting.remembered import seen
from genius_bench.rows import Score
from genius_bench.runs import Evaluation, Run

if TYPE_CHECKING:
    import pyarrow as pa

ItemValues = Mapping[str, float]


@dataclass
class Scored:
    """One model's scores: task → `scores` artifact."""

    label: str
    fingerprint: str
    base_fingerprint: str
    recipe: dict[str, Any] | None
    iteration: int
    artifacts: dict[str, Artifact]
    """As a run names them: reading one that is gone or damaged raises `InputError`."""
    trained_by: tuple[Store, Run] | None = None

    @cached_property
    def cost(self) -> Cost | None:
        """None of a base, and where an artifact on the way is gone."""
        return cost_of(*self.trained_by, self.iteration) if self.trained_by else None

    @cached_property
    def helped_by(self) -> frozenset[str]:
        """Labels of the corpus that its training was handed ("answers", "references", "pairs")."""
        method = _method_of(self.trained_by[1]) if self.trained_by else None
        if method is None:
            return frozenset()
        try:
            needs = method(method.Options(**(self.recipe or {}).get("sampling", {}))).needs
        except ValidationError:  # its options were others then
            needs = method.needs
        return frozenset({"pairs"}) if "pairs" in needs else needs

    @cached_property
    def seen(self) -> str:
        """A hash of what its answers are told by: another one where a file of them has changed."""
        scores = [[task, *seen(artifact)] for task, artifact in sorted(self.artifacts.items())]
        return digest_of([self.fingerprint, self.base_fingerprint, scores])

    @cached_property
    def scores(self) -> dict[tuple[str, str], Score]:
        return {
            (task, score.metric): score for task in self.artifacts for score in read_scores(self.graded(task))
        }

    @cached_property
    def versions(self) -> dict[str, int]:
        """Task → the version of its items and prompt."""
        return {task: int(score.details.get("task_version", 0)) for (task, _), score in self.scores.items()}

    def graded(self, task: str) -> Artifact:
        """The scores of a task. Raises `InputError` where they are those of another one."""
        artifact = self.artifacts[task]
        made_for = artifact.manifest["parameters"].get("task")
        if made_for != task:
            raise InputError(
                f"a run of {self.label} names scores {artifact.key[:12]} as those of {task}, and they are of "
                f"{made_for}: score it again"
            )
        return artifact

    def headline(self, task: str) -> str | None:
        """The metric that stands for a task on a board; None where its answers could not be graded."""
        return self._headlines.get(task)

    @cached_property
    def _headlines(self) -> dict[str, str]:
        older = {task: name for name in ("greedy", "sampled") for task, kind in self.scores if kind == name}
        said = ((task, one.details.get("headline")) for (task, _), one in self.scores.items())
        return older | {task: str(name) for task, name in said if name}  # older ones did not say it

    def notes(self, task: str) -> list[str]:
        """What a reader of the task's number must know, from the details that its scores keep."""
        score = self.scores.get((task, self.headline(task) or ""))
        if score is None:
            return []
        details, found = score.details, self._trained_on(task)
        if details.get("dataset") == "changed":
            expected = details.get("expected_items")
            count = f"{score.n} items" if details.get("limit") is None else f"the first {score.n} items"
            found.append(f"other items than expected ({count}; {expected or 'unknown'} in all)")
        if " (" in details.get("protocol", "") and "-shot" in details["protocol"]:
            found.append(f"{details['protocol']}: no train split at hand")
        if judge := details.get("judge"):
            found.append(f"judged by {judge}")
        if failures := details.get("judge_failures"):
            found.append(f"{failures} answers without a verdict, counted as undecided")
        return found

    def _trained_on(self, task: str) -> list[str]:
        """Whether the task's own items were among the queries."""
        overlap = self.trained_by[1].corpus.get("overlap") if self.trained_by else None
        met = (overlap or {}).get(task, {})
        if not met.get("whole"):
            return []
        return [f"transductive: {met['whole']} of {met['items']} items were training queries"]

    def rows(self, task: str) -> dict[str, list[dict[str, Any]]]:
        """Question → its graded answers."""
        cache: dict[str, dict[str, list[dict[str, Any]]]] = self.__dict__.setdefault("_rows", {})
        if task not in cache:
            cache[task] = {}
            for row in self.graded(task).rows():
                cache[task].setdefault(row["item_id"], []).append(row)
        return cache[task]

    def items(self, task: str, metric: str) -> ItemValues:
        """Question → share of its answers that were right."""
        cache: dict[tuple[str, str], ItemValues] = self.__dict__.setdefault("_items", {})
        if (task, metric) not in cache:
            cache[task, metric] = item_values_of(self.verdicts(task), metric)
        return cache[task, metric]

    def slices(self, task: str) -> Mapping[str, frozenset[str]]:
        """Name of a group of a task's items → the items that belong to it; none of most tasks."""
        cache: dict[str, Mapping[str, frozenset[str]]] = self.__dict__.setdefault("_slices", {})
        if task not in cache:
            found: dict[str, set[str]] = {}
            for row in self.verdicts(task).select(["item_id", "slices"]).to_pylist():
                for name in row["slices"]:
                    found.setdefault(name, set()).add(row["item_id"])
            cache[task] = {name: frozenset(found[name]) for name in sorted(found)}
        return cache[task]

    def verdicts(self, task: str) -> "pa.Table":
        """The graded answers without their texts. Raises `InputError` when they are damaged."""
        import pyarrow as pa

        cache: dict[str, pa.Table] = self.__dict__.setdefault("_verdicts", {})
        if task not in cache:
            columns = ("item_id", "repeat", "correct", "released_correct", "vote", "slices", *FAILURES)
            table = self.graded(task).table(*columns)
            older = {"ungraded": False, "slices": []}  # of tasks without them, and of before there were such
            for name, value in older.items():
                if name not in table.column_names:
                    table = table.append_column(name, pa.array([value] * table.num_rows))
            cache[task] = table
        return cache[task]


def scored_models(
    store: Store, runs: list[Run], settings: dict[str, Any], tasks: Sequence[str], *, whole: bool = True
) -> list[Scored]:
    """One entry per model, bases first; a model that a run trained is labelled by it, wherever it was scored.

    Models that lack one of the tasks are left out, or with `whole=False` those that lack all of them. Checkpoints on
    the way to another are only there with `whole=False`, without a label of their own.
    """
    labels: dict[str, tuple[str, Run, int]] = {}
    base_names: dict[str, str] = {}
    on_the_way: set[str] = set()
    for run in runs:
        on_the_way |= {one["fingerprint"] for one in run.on_the_way}
        for checkpoint in run.checkpoints:
            iteration = int(checkpoint["iteration"])
            labels[checkpoint["fingerprint"]] = (label_of(run, iteration), run, iteration)
        if run.base_fingerprint:
            base_names[run.base_fingerprint] = run.base
    found: dict[str, Scored] = {}
    for evaluation in (e for run in runs for e in run.evaluations if e.settings == settings):
        fingerprint = evaluation.fingerprint
        artifacts = _artifacts(store, evaluation, tasks)
        if not artifacts or (whole and len(artifacts) < len(tasks)):
            continue
        if (
            whole
            and fingerprint in on_the_way
            and fingerprint not in labels
            and fingerprint not in base_names
        ):
            continue
        if not whole and fingerprint in found:
            found[fingerprint].artifacts |= artifacts
            continue
        label, run_of, iteration = labels.get(fingerprint, (_short(evaluation.model), None, 0))
        found[fingerprint] = Scored(
            label=f"{_short(base_names[fingerprint])} (base)"
            if fingerprint in base_names and not run_of
            else label,
            fingerprint=fingerprint,
            base_fingerprint=run_of.base_fingerprint if run_of else "",
            recipe=run_of.recipe if run_of else None,
            iteration=iteration,
            artifacts=artifacts,
            trained_by=(store, run_of) if run_of else None,
        )
    _tell_apart(list(found.values()))
    return sorted(found.values(), key=lambda one: (bool(one.base_fingerprint), one.label))


def _tell_apart(scored: list[Scored]) -> None:
    """Models whose recipes differ in what a label does not show are told by what differs, or by their fingerprint."""
    alike: dict[str, list[Scored]] = {}
    for one in scored:
        alike.setdefault(one.label.split(" seed ")[0], []).append(one)
    for several in alike.values():
        keys = _differing([one.recipe for one in several if one.recipe])
        for one in several if len(keys) <= MOST_TOLD else ():
            before, seed, number = one.label.partition(" seed ")
            values = leaves(one.recipe or {})
            said = (f"{key.rpartition('.')[2]}={_told(values.get(key))}" for key in keys)
            one.label = f"{' '.join([before, *said])}{seed}{number}"
    seen = Counter(one.label for one in scored)
    for one in scored:
        if seen[one.label] > 1:
            one.label = f"{one.label} [{one.fingerprint[:4]}]"


def labels_of(runs: Sequence[Run]) -> dict[str, str]:
    """Id of a trained run → what it is called beside the others: by its last iteration, and by what tells it apart."""
    trained = [run for run in runs if run.recipe and run.checkpoints]
    models = [
        Scored(label_of(run, last), run.id, run.base_fingerprint, run.recipe, last, {})
        for run in trained
        for last in [len(run.checkpoints)]
    ]
    _tell_apart(models)
    return {one.fingerprint: one.label for one in models}


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


MOST_TOLD = 3
"""Keys of a recipe that a label tells models apart by."""
TOLD_ELSEWHERE = ("seed", "launch.", "engine.", "evaluation.", "training.report_to")


def _differing(recipes: Sequence[dict[str, Any]]) -> list[str]:
    """The keys in which recipes differ that have the same label, save for what makes no other model."""
    flat = [leaves(recipe) for recipe in recipes]
    keys = dict.fromkeys(key for one in flat for key in one if not key.startswith(TOLD_ELSEWHERE))
    return [key for key in keys if len({str(one.get(key)) for one in flat}) > 1]


def _artifacts(store: Store, evaluation: Evaluation, tasks: Sequence[str]) -> dict[str, Artifact]:
    return {
        task: store.named("scores", evaluation.scores[task]) for task in tasks if task in evaluation.scores
    }


def label_of(run: Run, iteration: int) -> str:
    """How a board calls the checkpoint of an iteration (1, 2, …)."""
    recipe = run.recipe or {}
    parts = [recipe["method"]]
    if recipe["variant"] != "paper":
        parts.append(recipe["variant"])
    if (objective := recipe.get("objective", {}).get("name")) not in (None, _own_objective(run)):
        parts.append(f"+ {objective}")
    if (method := _method_of(run)) and "pairs" in method.needs:
        parts.append("(signal from outside)")
    if len(run.checkpoints) > 1:
        parts.append(f"iteration {iteration}")
    return " ".join([*parts, f"seed {recipe['seed']}"])


def _own_objective(run: Run) -> str | None:
    """The objective that the run's method and variant come with; None where the plug-in is gone."""
    method = _method_of(run)
    if method is None:
        return None
    own = merge({"objective": method.objective}, method.variants.get((run.recipe or {})["variant"], {}))
    return str(own["objective"]["name"])


def _method_of(run: Run) -> type[Method] | None:
    """None where the plug-in is gone."""
    try:
        found: type[Method] = registry.load("methods", (run.recipe or {})["method"])
    except GeniusBenchError:
        return None
    return found


def _short(model: str) -> str:
    """A local path by its last part; names and hub ids as they are."""
    return Path(model).name if model.startswith(("/", ".", "~")) else model
