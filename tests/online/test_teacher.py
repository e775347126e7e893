"""The teacher: it votes as the base at first, follows slowly, and is not forgotten when a training is interrupted."""

from pathlib import Path
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.online_method import Group
from tests.training.support import largest_difference

from .support import STEPS, Early, learn, rollouts_of


class Imitating(Early):
    """Rewards what the teacher begins with, too."""

    name = "imitating"
    seen: list[list[tuple[int, ...]]] = []

    def teacher_weight(self, progress: float) -> float:
        return 0.25

    def reward(self, group: Group) -> list[float]:
        self.seen.append([response.token_ids for response in group.of_teacher])
        begun = {response.token_ids[0] % 7 for response in group.of_teacher}
        return [float(response.token_ids[0] % 7 in begun) for response in group.responses]


class Frozen(Imitating):
    name = "frozen"

    def teacher_weight(self, progress: float) -> float:
        return 1e-30


class Close(Imitating):
    """Its teacher is the policy."""

    name = "close"

    def teacher_weight(self, progress: float) -> float:
        return 1.0


def seen_by(method: type[Imitating], store: Store, llama: Path) -> list[list[tuple[int, ...]]]:
    Imitating.seen.clear()
    learn(store, llama, method, learning_rate=3e-3)
    return list(Imitating.seen)


def test_the_first_votes_are_the_bases_and_later_ones_follow(tmp_path: Path, llama: Path) -> None:
    frozen, moving, close = (
        seen_by(method, Store(tmp_path / method.name), llama) for method in (Frozen, Imitating, Close)
    )
    groups = len(frozen) // STEPS
    assert frozen[:groups] == moving[:groups] == close[:groups]
    assert frozen[-groups:] != close[-groups:]
    assert all(len(group) == 4 for group in moving)


def test_an_interrupted_training_goes_on_with_its_teacher(tmp_path: Path, llama: Path) -> None:
    """It is stopped after the state of step 4; the teacher of step 5 decides rewards."""
    settings: dict[str, Any] = {"learning_rate": 3e-3, "checkpoint_every": 2}

    class Stopped(Imitating):
        name = "imitating"
        after = 0

        def reward(self, group: Group) -> list[float]:
            Stopped.after += 1
            if Stopped.after == 10:
                raise InputError("the engine is gone")
            return super().reward(group)

    with pytest.raises(InputError, match="the engine is gone"):
        learn(Store(tmp_path / "stopped"), llama, Stopped, **settings)
    continued = learn(Store(tmp_path / "stopped"), llama, Stopped, **settings)
    undisturbed = learn(Store(tmp_path / "undisturbed"), llama, Stopped, **settings)
    assert rollouts_of(continued) == rollouts_of(undisturbed)
    assert largest_difference(continued, undisturbed) == 0.0
