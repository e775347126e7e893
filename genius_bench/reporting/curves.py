"""What a model scores at every temperature that it was asked at, and the temperature that suits it best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from genius_bench.artifacts import Store
from genius_bench.evaluation.controls import in_choosing_half, kin
from genius_bench.reporting.scored import ItemValues, Scored
from genius_bench.runs import Run

GREEDY = 0.0
FEW_SAMPLES = 8
"""More than these, and an evaluation is about coverage."""


@dataclass
class Curve:
    """One model's answers at several temperatures; 0 is greedy. `tuning` are those to the tasks' tuning items."""

    store: Store
    own: Scored
    """Under the board's settings."""
    own_temperature: float
    others: dict[float, Scored] = field(default_factory=dict)
    greedy_elsewhere: Scored | None = None
    """Where the board's own settings ask for no greedy answer."""
    tuning: list[tuple[float, Scored]] = field(default_factory=list)
    many: Scored | None = None
    """Many samples, perhaps of a part of the items: what pass@k is told from."""

    def temperatures(self, tasks: Sequence[str]) -> list[float]:
        """Those at which all `tasks` were asked, lowest first."""
        known = [GREEDY, *self.others, self.own_temperature]
        return sorted({one for one in known if all(self.values(task, one) for task in tasks)})

    def values(self, task: str, temperature: float) -> ItemValues:
        """Question → share of its answers that were right; empty where it was not asked so."""
        if temperature == GREEDY:
            sources = [(self.own, "greedy"), (self.greedy_elsewhere, "greedy")]
        elif temperature == self.own_temperature:
            sources = [(self.own, "sampled")]
        else:
            sources = [(self.others.get(temperature), "sampled")]
        return self._first(task, sources)

    def tuning_values(self, task: str, temperature: float) -> ItemValues:
        """The same of the items on which a temperature is chosen; a half of the task's own where it has no others."""
        if any(task in one.artifacts for _, one in self.tuning):
            kind = "greedy" if temperature == GREEDY else "sampled"
            fitting = [one for own, one in self.tuning if temperature in (GREEDY, own)]
            return self._first(task, [(one, kind) for one in fitting])
        return {name: x for name, x in self.values(task, temperature).items() if in_choosing_half(name)}

    def reported(self, task: str, temperature: float) -> ItemValues:
        """The same of the items that are reported: all, or those on which no temperature was chosen."""
        values = self.values(task, temperature)
        if any(task in one.artifacts for _, one in self.tuning):
            return values
        return {name: value for name, value in values.items() if not in_choosing_half(name)}

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
        if not known:
            return [self.own_temperature] * (1 + draws)
        random = np.random.default_rng(0)
        averages = np.zeros((1 + draws, len(known)))
        for task in tasks:
            names = sorted(asked[task, known[0]])
            values = np.array([[asked[task, one][name] for name in names] for one in known])
            weights = random.multinomial(len(names), [1 / len(names)] * len(names), size=draws)
            averages += np.vstack([np.ones((1, len(names))), weights]) @ values.T / len(names)
        return [known[index] for index in averages.argmax(-1)]

    def entropy(self, tasks: Sequence[str], temperature: float) -> float | None:
        """Mean over all tokens of the samples to these tasks of the entropy they were drawn with, nats; None where the
        engine did not tell."""
        if temperature == GREEDY:
            return 0.0
        model = self.own if temperature == self.own_temperature else self.others.get(temperature)
        totals = [self._entropy_and_tokens(model, task) for task in tasks] if model else []
        if not totals or any(one is None for one in totals):
            return None
        nats, tokens = (sum(one[i] for one in totals if one) for i in (0, 1))
        return nats / tokens if tokens else None

    def failing(self, task: str, temperature: float) -> ItemValues:
        """Question → share of its answers without a readable result."""
        models = [self.own] if temperature in (GREEDY, self.own_temperature) else []
        models += [self.greedy_elsewhere] if temperature == GREEDY and self.greedy_elsewhere else []
        models += [self.others[temperature]] if temperature in self.others else []
        found: dict[str, list[float]] = {}
        for model in models:
            rows = model.verdicts(task).select(["item_id", "repeat", "format_failure"]).to_pylist()
            for row in rows:
                if (row["repeat"] == 0) == (temperature == GREEDY):
                    found.setdefault(row["item_id"], []).append(float(row["format_failure"]))
            if found:
                break
        return {name: sum(values) / len(values) for name, values in found.items()}

    def _first(self, task: str, sources: Sequence[tuple[Scored | None, str]]) -> ItemValues:
        for model, kind in sources:
            by_published = (self.own.headline(task) or "").startswith("released_")
            metric = f"released_{kind}" if by_published else kind
            if model is not None and task in model.artifacts and (task, metric) in model.scores:
                return model.items(task, metric)
        return {}

    def _entropy_and_tokens(self, model: Scored, task: str) -> tuple[float, int] | None:
        if task not in model.artifacts:
            return None
        key = model.artifacts[task].key
        if key not in self._entropies:
            details = next(score.details for (of, _), score in model.scores.items() if of == task)
            answers = self.store.find("generations", str(details.get("generations")))
            self._entropies[key] = _sum_of(answers.rows("repeat", "entropy", "tokens")) if answers else None
        return self._entropies[key]

    @cached_property
    def _entropies(self) -> dict[str, tuple[float, int] | None]:
        return {}


def _sum_of(answers: Iterable[dict[str, Any]]) -> tuple[float, int] | None:
    """Nats and tokens of all samples; None where the engine has not told the entropies of one."""
    samples = [row for row in answers if row["repeat"] > 0]
    if not samples or any(row.get("entropy") is None for row in samples):
        return None
    return sum(row["entropy"] for row in samples), sum(row["tokens"] for row in samples)


def curves_of(
    store: Store, runs: Sequence[Run], settings: dict[str, Any], scored: Sequence[Scored]
) -> dict[str, Curve]:
    """Fingerprint → the curve of each of these models, as far as it was asked."""
    own = settings["temperature"]
    curves = {one.fingerprint: Curve(store, one, own) for one in scored}
    wanted = kin(settings)
    for evaluation in (one for run in runs for one in run.evaluations):
        curve = curves.get(evaluation.fingerprint)
        if curve is None or evaluation.settings == settings or kin(evaluation.settings) != wanted:
            continue
        found = {task: store.find("scores", key) for task, key in evaluation.scores.items()}
        artifacts = {task: one for task, one in found.items() if one}
        model = Scored(evaluation.model, evaluation.fingerprint, "", None, 0, artifacts)
        asked = evaluation.settings
        if asked["split"] is not None:
            curve.tuning.append((asked["temperature"], model))
        elif asked["temperature"] == own and (asked["samples"] or 0) > FEW_SAMPLES:
            if curve.many is None or _samples_of(curve.many) < asked["samples"]:
                curve.many = model
        elif asked["limit"] == settings["limit"] and asked["temperature"] != own:
            curve.others.setdefault(asked["temperature"], model).artifacts.update(artifacts)
        elif asked["limit"] == settings["limit"] and asked.get("greedy") and asked["samples"] == 0:
            curve.greedy_elsewhere = model
    return curves


def _samples_of(model: Scored) -> int:
    return max(int(score.details["samples"]) for score in model.scores.values())
