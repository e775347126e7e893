"""From a score back to the queries: every artifact on the way, in the order in which a reader asks for them."""

from dataclasses import dataclass, field
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.runs import Run


@dataclass(frozen=True)
class Step:
    """One artifact (or the base, or the corpus) and what it says about itself."""

    what: str
    key: str
    facts: dict[str, str] = field(default_factory=dict)
    path: str = ""
    """Where it lies; empty when it is gone."""


def lineage(store: Store, runs: list[Run], fingerprint: str, scores: Artifact) -> list[Step]:
    """scores ← answers ← checkpoint ← training set ← collection ← queries, then the policy that sampled, and so on to
    the base."""
    answers = store.find("generations", scores.manifest["inputs"].get("generations", "-"))
    steps = [_score_step(scores), _step("answers", answers, ("task", "samples", "temperature", "protocol"))]
    run, place = _maker(runs, fingerprint)
    while run is not None and place >= 0:
        steps += _iteration(store, run, place)
        place -= 1
    base = run.base if run else _evaluated_name(runs, fingerprint)
    return [*steps, Step("base", run.base_fingerprint if run else fingerprint, {"model": base})]


def _iteration(store: Store, run: Run, place: int) -> list[Step]:
    made = run.checkpoints[place]
    checkpoint = store.find("checkpoint", made["key"])
    training_set = store.find("training-set", made.get("training_set", "-"))
    collection = None
    if training_set:
        collection = store.find("collection", training_set.manifest["inputs"]["collection"])
    corpus = run.corpus
    number = f" of iteration {made['iteration']}" if len(run.checkpoints) > 1 else ""
    queries = {
        "corpus": str(corpus.get("name", "")),
        "queries": str(corpus.get("queries", "")),
        **{str(name): str(value) for name, value in corpus.get("origin", {}).items()},
    }
    counters = ("steps", "rows_trained", "tokens_trained")
    if "training_set" not in made:  # an online method samples where it trains
        sampled = ("tokens_sampled", "tokens_read")
        return [
            _step(f"checkpoint{number}", checkpoint, ("method", "seed"), counters=(*counters, *sampled)),
            Step(f"queries{number}", str(corpus.get("fingerprint", "")), queries),
        ]
    return [
        _step(f"checkpoint{number}", checkpoint, (), counters=counters),
        _step(f"training set{number}", training_set, ()),
        _step(
            f"collection{number}", collection, ("method", "seed"), counters=("tokens_sampled", "tokens_read")
        ),
        Step(f"queries{number}", str(corpus.get("fingerprint", "")), queries),
    ]


def _step(
    what: str, artifact: Artifact | None, parameters: tuple[str, ...], counters: tuple[str, ...] = ()
) -> Step:
    if artifact is None:
        return Step(what, "gone")
    manifest: dict[str, Any] = artifact.manifest
    facts = {name: str(manifest["parameters"].get(name)) for name in parameters}
    facts |= {
        name.replace("_", " "): f"{manifest['counters'][name]:,.0f}"
        for name in counters
        if name in manifest["counters"]
    }
    facts["made"] = f"{manifest['finished_at']} on {manifest['environment'].get('device', '?')}"
    return Step(what, artifact.key, facts, str(artifact.path))


def _score_step(scores: Artifact) -> Step:
    parameters = scores.manifest["parameters"]
    grader = parameters.get("grader") or parameters.get("judge") or "?"
    said = grader if isinstance(grader, str) else grader.get("model", "a judge")
    facts = {"task": parameters["task"], "grader": f"{said} {parameters.get('grader_version', '')}".strip()}
    return Step("scores", scores.key, facts, str(scores.path))


def _maker(runs: list[Run], fingerprint: str) -> tuple[Run | None, int]:
    """The run that made a checkpoint, and which of its iterations did."""
    for run in runs:
        for checkpoint in [*run.checkpoints, *run.on_the_way]:
            if checkpoint["fingerprint"] == fingerprint:
                return run, int(checkpoint["iteration"]) - 1
    return None, -1


def _evaluated_name(runs: list[Run], fingerprint: str) -> str:
    return next((e.model for run in runs for e in run.evaluations if e.fingerprint == fingerprint), "?")
