"""`training.eval_every`: checkpoints on the way are what a shorter training would have ended with."""

from pathlib import Path
from typing import Any

import pytest
import torch

from genius_bench.artifacts import Store
from genius_bench.engines.loading import fingerprint
from genius_bench.objectives.aco import ACO
from genius_bench.training.stage import checkpoints_on_the_way

from .support import largest_difference, make_pairs, make_training_set, train, weights_of

STEADY: dict[str, Any] = {"schedule": "constant_with_warmup", "warmup": 0.0}
"""So that a longer training begins like a shorter one."""


def same(one: Path, other: Path) -> bool:
    first, second = weights_of(one), weights_of(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_checkpoint_after_an_epoch_is_that_of_one_epoch(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(12))  # three steps an epoch
    short = train(store, llama, training_set, epochs=1, **STEADY)
    long = train(store, llama, training_set, epochs=2, eval_every=3, **STEADY)
    ways = checkpoints_on_the_way(long.path)
    assert list(ways) == [3]  # the sixth step is the checkpoint itself
    folder, said = ways[3]
    assert said == fingerprint(folder)
    assert same(folder, short.path / "model")
    assert not same(folder, long.path / "model")


def test_what_is_kept_changes_nothing_and_is_found_again(store: Store, llama: Path) -> None:
    training_set = make_training_set(store, make_pairs(10))
    plain = train(store, llama, training_set)
    kept = train(store, llama, training_set, eval_every=1)
    assert kept.key != plain.key  # it holds more
    assert largest_difference(plain, kept) == 0
    assert list(checkpoints_on_the_way(kept.path)) == [1, 2]
    assert checkpoints_on_the_way(plain.path) == {}
    assert train(store, llama, training_set, eval_every=1).reused
    assert not list(kept.path.rglob("kept-*"))


def test_an_interrupted_training_keeps_what_it_kept(
    store: Store, llama: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = make_pairs(16)
    undisturbed = train(Store(tmp_path / "other"), llama, make_training_set(store, rows), eval_every=1)
    plain, calls = ACO.row_losses, 0

    def failing(self: ACO, batch: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 6:  # micro batches of two rows: within the third step
            raise KeyboardInterrupt
        return plain(self, batch)

    monkeypatch.setattr(ACO, "row_losses", failing)
    with pytest.raises(KeyboardInterrupt):
        train(store, llama, make_training_set(store, rows), eval_every=1)
    continued = train(store, llama, make_training_set(store, rows), eval_every=1)
    ours, theirs = checkpoints_on_the_way(continued.path), checkpoints_on_the_way(undisturbed.path)
    assert {step: said for step, (_, said) in ours.items()} == {
        step: said for step, (_, said) in theirs.items()
    }
    assert list(ours) == [1, 2, 3]
