"""What a model scores at every temperature that it was asked at, and the temperature that suits it best."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.evaluation.controls import choosing_half, kin, tuning_limit, tuning_split
from genius_bench.integrity import digest_of
from genius_bench.recipe import MANY_SAMPLES
from genius_bench.reporting.scored import ItemValues, Scored
from genius_bench.runs import Run

GREEDY = 0.0
Asked = list[tuple[float, Scored]]
"""Answers and the temperature of their samples; greedy ones may be among them."""


@dataclass
class Curve:
    """One model's answers at several temperatures; 0 is greedy. `tuning` are those to the tasks' tuning items."""

    store: Store
    own: Scored
    """Under the board's settings."""
    own_temperature: float
    """0 where these draw no samples."""
    others: Asked = field(default_factory=list)
    tuning: Asked = field(default_factory=list)
    many: dict[tuple[int, int | None], Scored] = field(default_factory=dict)
    """(Samples, limit of items) → what pass@k is told from."""

    @cached_property
    def seen(self) -> str:
        """As `Scored.seen`, of all that it was asked."""
        asked = [[temperature, one.seen] for temperature, one in (*self._asked, *self.tuning)]
        return digest_of([len(self.others), asked, [[*key, one.seen] for key, one in self.many.items()]])

    def temperatures(self, tasks: Sequence[str]) -> list[float]:
        """Those at which all `tasks` were asked, lowest first."""
        return sorted(set.intersection(*map(self._asked_at, tasks))) if tasks else []

    def values(self, task: str, temperature: float) -> ItemValues:
        """Question → share of its answers that were right; empty where it was not asked so."""
        model = self._source(task, temperature, self._asked)
        return model.items(task, self._metric(task, temperature)) if model else {}

    def answers_per_item(self, task: str, temperature: float) -> int:
        """How many answers such a share is of."""
        model = self._source(task, temperature, self._asked)
        score = model.scores[task, self._metric(task, temperature)] if model else None
        return int(score.details.get("answers_per_item", 1)) if score else 1

    def failing(self, task: str, temperature: float) -> ItemValues:
        """Question → share of its answers without a readable result."""
        model = self._source(task, temperature, self._asked)
        return model.items(task, f"unreadable_{_kind(temperature)}") if model else {}

    def tuning_values(self, task: str, temperature: float) -> ItemValues:
        """As `values`, of the items on which a temperature is chosen; half of the task's own where it has no others."""
        if self._is_tuned(task):
            model = self._source(task, temperature, self.tuning)
            return model.items(task, self._metric(task, temperature)) if model else {}
        values = self.values(task, temperature)
        half = choosing_half(values)
        return {name: value for name, value in values.items() if name in half}

    def reported(self, task: str, temperature: float) -> ItemValues:
        """As `values`, of the items that are reported: all, or those on which no temperature was chosen."""
        values = self.values(task, temperature)
        if self._is_tuned(task):
            return values
        half = choosing_half(values)
        return {name: value for name, value in values.items() if name not in half}

    def best(self, tasks: Sequence[str]) -> float:
        """The temperature of the highest average on the tuning items; of several, the nearest to the board's own."""
        return self.chosen(tasks, draws=0)[0]

    def chosen(self, tasks: Sequence[str], draws: int) -> list[float]:
        """The best temperature, and those that other tuning items would have chosen: that many bootstrap draws of them,
        the same for all models that were asked the same items."""
        import numpy as np

        asked = {
            (task, one): self.tuning_values(task, one) for one in self.temperatures(tasks) for task in tasks
        }
        known = [one for one in self.temperatures(tasks) if all(asked[task, one] for task in tasks)]
        known.sort(key=lambda one: abs(one - self.own_temperature))  # of equal ones, argmax takes the first
        names = {
            task: sorted(set.intersection(*(set(asked[task, one]) for one in known)))
            for task in tasks
            if known
        }
        if not names or not all(names.values()):
            return [self.own_temperature] * (1 + draws)
        random = np.random.default_rng(0)
        averages = np.zeros((1 + draws, len(known)))
        for task in tasks:
            n = len(names[task])
            values = np.array([[asked[task, one][name] for name in names[task]] for one in known])
            weights = random.multinomial(n, [1 / n] * n, size=draws)
            averages += np.vstack([np.ones((1, n)), weights]) @ values.T / n
        return [known[index] for index in averages.argmax(-1)]

    def entropy(self, tasks: Sequence[str], temperature: float) -> float | None:
        """Mean over all tokens of the samples to these tasks of the entropy they were drawn with, nats; None where the
        engine did not tell."""
        if temperature == GREEDY:
            return 0.0
        totals = [self._entropy_and_tokens(task, temperature) for task in tasks]
        if not all(tokens for _, tokens in totals):
            return None
        return sum(nats for nats, _ in totals) / sum(tokens for _, tokens in totals)

    @property
    def _asked(self) -> Asked:
        return [(self.own_temperature, self.own), *self.others]

    def _asked_at(self, task: str) -> set[float]:
        if task not in self._temperatures:
            known = {GREEDY, self.own_temperature, *(one for one, _ in self.others)}
            self._temperatures[task] = {one for one in known if self._source(task, one, self._asked)}
        return self._temperatures[task]

    @cached_property
    def _temperatures(self) -> dict[str, set[float]]:
        return {}

    def _is_tuned(self, task: str) -> bool:
        return any(task in one.artifacts for _, one in self.tuning)

    def _metric(self, task: str, temperature: float) -> str:
        by_published_rules = (self.own.headline(task) or "").startswith("released_")
        return f"released_{_kind(temperature)}" if by_published_rules else _kind(temperature)

    def _source(self, task: str, temperature: float, among: Asked) -> Scored | None:
        """Whose scores tell of a task at a temperature; greedy answers may stand beside samples of any."""
        metric = self._metric(task, temperature)
        fitting = (one for own, one in among if temperature in (GREEDY, own) and task in one.artifacts)
        return next((one for one in fitting if (task, metric) in one.scores), None)

    def _entropy_and_tokens(self, task: str, temperature: float) -> tuple[float, int]:
        model = self._source(task, temperature, self._asked)
        if model is None:
            return 0.0, 0
        key = model.artifacts[task].key
        if key not in self._entropies:
            details = model.scores[task, self._metric(task, temperature)].details
            answers = self.store.find("generations", str(details.get("generations")))
            self._entropies[key] = _sum_of(answers) if answers else (0.0, 0)
        return self._entropies[key]

    @cached_property
    def _entropies(self) -> dict[str, tuple[float, int]]:
        return {}


def _kind(temperature: float) -> str:
    return "greedy" if temperature == GREEDY else "sampled"


def _sum_of(generations: Artifact) -> tuple[float, int]:
    """Nats and tokens of the samples whose entropy the engine has told."""
    import pyarrow.compute as pc

    answers = generations.table("repeat", "entropy", "tokens")
    if "entropy" not in answers.column_names:
        return 0.0, 0
    told = answers.filter(pc.greater(answers["repeat"], 0)).drop_null()
    return pc.sum(told["entropy"]).as_py() or 0.0, pc.sum(told["tokens"]).as_py() or 0


def curves_of(
    store: Store, runs: Sequence[Run], settings: dict[str, Any], scored: Sequence[Scored]
) -> dict[str, Curve]:
    """Fingerprint → the curve of each of these models, as far as it was asked."""
    own = GREEDY if settings["samples"] == 0 else settings["temperature"]
    curves = {one.fingerprint: Curve(store, one, own) for one in scored}
    wanted = kin(settings)
    asked_once = {  # every run names what its base was asked
        (one.fingerprint, str(one.settings), *one.scores.values()): one
        for run in runs
        for one in run.evaluations
    }
    for evaluation in asked_once.values():
        curve, asked = curves.get(evaluation.fingerprint), evaluation.settings
        if curve is None or kin(asked) != wanted:
            continue
        found = {task: store.find("scores", key) for task, key in evaluation.scores.items()}
        artifacts = {task: one for task, one in found.items() if one}
        model = Scored(evaluation.model, evaluation.fingerprint, "", None, 0, artifacts)
        if asked["split"] is not None:
            model.artifacts = {
                task: one for task, one in artifacts.items() if tuning_split(task) == asked["split"]
            }
            if asked["limit"] == tuning_limit(settings["limit"]):
                curve.tuning.append((asked["temperature"], model))
            continue
        if asked["limit"] == settings["limit"]:
            curve.others.append((asked["temperature"], model))
        samples, temperature = asked["samples"] or 0, asked["temperature"]
        if samples >= MANY_SAMPLES and temperature == settings["temperature"]:
            curve.many.setdefault((samples, asked["limit"]), model).artifacts |= artifacts
    return curves
