"""Costs against sums made by hand."""

from pathlib import Path

import pytest

from genius_bench.artifacts import Build, Identity, Store
from genius_bench.reporting.cost import Cost, cost_of
from genius_bench.runs import Run

WEIGHTS = 1000


def artifact(store: Store, kind: str, iteration: int, inputs: dict[str, str], **counts: float) -> str:
    identity = Identity(kind=kind, version=1, parameters={"iteration": iteration}, inputs=inputs)

    def produce(build: Build) -> None:
        build.record(**counts)

    return store.make(identity, produce).key


def two_iterations(store: Store) -> Run:
    """The first with recorded references, the second with a pass of their own and a judge."""
    sampled = ({"tokens_sampled": 10.0}, {"tokens_sampled": 20.0, "tokens_judged": 5.0})
    trained = ({"tokens_trained": 7.0}, {"tokens_trained": 8.0, "tokens_referenced": 8.0})
    checkpoints = []
    for i in (0, 1):
        collection = artifact(store, "collection", i, {}, tokens_read=100.0, **sampled[i])
        training_set = artifact(store, "training-set", i, {"collection": collection})
        key = artifact(
            store, "checkpoint", i, {"training_set": training_set}, parameters=WEIGHTS, **trained[i]
        )
        checkpoints.append({"iteration": str(i + 1), "training_set": training_set, "key": key})
    return Run(id="two", checkpoints=checkpoints)


def test_a_checkpoint_costs_all_that_led_to_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = two_iterations(store)
    first, second = cost_of(store, run, 1), cost_of(store, run, 2)
    assert first is not None
    assert second is not None
    assert first.flops == WEIGHTS * (2 * (10 + 100) + 6 * 7)
    assert second.flops == first.flops + WEIGHTS * (2 * (20 + 5 + 100 + 8) + 6 * 8)
    assert (second.tokens_sampled, second.tokens_judged, second.tokens_trained) == (30, 5, 15)


def test_no_cost_without_the_whole_lineage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = two_iterations(store)
    for manifest in tmp_path.glob("artifacts/collection/*/manifest.json"):
        manifest.unlink()
    assert cost_of(store, run, 1) is None


def test_costs_are_averaged_field_by_field() -> None:
    mean = (Cost(flops=2.0, seconds=1.0) + Cost(flops=4.0, tokens_sampled=6.0)) / 2
    assert (mean.flops, mean.seconds, mean.tokens_sampled) == pytest.approx((3.0, 0.5, 3.0))
