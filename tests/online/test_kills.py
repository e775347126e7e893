"""Killed at random moments: the same rollouts, the same weights, nothing drawn twice that was on disk."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Artifact, Store
from genius_bench.processes import _context
from tests.training.support import largest_difference

from .support import learn, rollouts_of

SETTINGS: dict[str, Any] = {"checkpoint_every": 5}


def learn_slowly(home: Path, policy: Path, epochs: int) -> Artifact:
    """With a pause around the update, so that kills fall before, into and after it."""
    from genius_bench.online import learner

    slowed: Any = learner.Learner
    update = slowed.update

    def slow(self: Any, *arguments: Any) -> Any:
        time.sleep(0.15)
        line = update(self, *arguments)
        time.sleep(0.15)
        return line

    slowed.update = slow
    return learn(Store(home), policy, epochs=epochs, **SETTINGS)


def shards(home: Path) -> dict[str, int]:
    """The steps whose rollouts are on disk, with when they were written."""
    found = home.glob("artifacts/checkpoint/*/rows/*.parquet")
    return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.mark.parametrize(
    ("kills", "epochs"),
    [(5, 4), pytest.param(20, 9, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])],
    ids=["five", "twenty"],
)
def test_killed_at_random_moments_it_ends_where_an_undisturbed_one_does(
    tmp_path: Path, llama: Path, kills: int, epochs: int
) -> None:
    home, moment = tmp_path / "killed", random.Random(5)
    for _ in range(kills):
        before, deadline = shards(home), time.monotonic() + 300
        process = _context().Process(target=learn_slowly, args=(home, llama, epochs))
        process.start()
        while len(shards(home)) == len(before) and process.is_alive():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moment.uniform(0, 0.3))
        assert process.is_alive(), "killed while there was work left"
        process.kill()
        process.join()
        assert before.items() <= shards(home).items(), "what was drawn is never drawn again"
    assert not Store(home).all("checkpoint")
    drawn = shards(home)

    continued, undisturbed = (
        learn(Store(place), llama, epochs=epochs, **SETTINGS) for place in (home, tmp_path / "undisturbed")
    )
    assert drawn.items() <= shards(home).items()
    assert continued.key == undisturbed.key
    assert rollouts_of(continued) == rollouts_of(undisturbed)
    assert largest_difference(continued, undisturbed) == 0.0
    assert continued.json("trainer_log.json") == undisturbed.json("trainer_log.json")
    counters = [
        {k: v for k, v in a.manifest["counters"].items() if k not in ("attempts", "wall_seconds")}
        for a in (continued, undisturbed)
    ]
    assert counters[0] == counters[1]
