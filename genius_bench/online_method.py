"""What an online method is: how a group of the policy's own responses is rewarded. The online stage does the rest."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PositiveInt, model_validator

from genius_bench.layers import Layer
from genius_bench.method import Collected, Method, Work
from genius_bench.recipe import Section
from genius_bench.rows import Query
from genius_bench.sampling.answers import final_answer

if TYPE_CHECKING:
    import numpy as np

    from genius_bench.engines.interface import Completion
    from genius_bench.sampling.policy import Policy

VERL: Layer = {"kl": "k3", "dual_clip": 3.0}
"""What the releases that are forks of verl have in common of their `objective`."""


@dataclass(frozen=True)
class Group:
    """All that was drawn to one query in a step, with the policy as it is: what a reward sees."""

    query: Query
    """With the labels that the method declares to need, and no others."""
    responses: "Sequence[Completion]"
    random: "np.random.Generator"
    """This group's own, so that a step which is drawn again is rewarded alike."""
    of_teacher: "Sequence[Completion]" = ()
    """As many responses of the teacher, for methods that have one."""
    to_other_words: "Sequence[Completion]" = ()
    """As many of the policy to the same query in other words, for methods that ask it twice."""

    @property
    def answers(self) -> list[str | None]:
        """The final answer of every response; None where none is stated."""
        return [final_answer(response.text) for response in self.responses]


class OnlineOptions(Section):
    """How a step draws: always from the plain policy (temperature 1, top-p 1), whose log-probabilities are trained."""

    responses: PositiveInt = 8
    """Drawn per query and rewarded together: a group."""
    trained: PositiveInt | None = None
    """How many of a group, the first ones, are trained on and are each other's baseline; all when not given."""
    max_tokens: PositiveInt = 1024
    """A response that runs into this limit counts in the baseline and is left out of the loss."""
    updates: PositiveInt = 1
    """Optimiser steps on what a step has drawn, each on as many whole groups."""

    @model_validator(mode="before")
    @classmethod
    def _plain_policy(cls, values: Any) -> Any:
        for name in ("temperature", "top_p"):
            if isinstance(values, dict) and name in values and name not in cls.model_fields:
                raise ValueError(
                    f"online methods draw at temperature 1 and top_p 1, where the sampler's log-probabilities are the "
                    f"trainer's: leave {name} out"
                )
        return values

    @model_validator(mode="after")
    def _groups(self) -> "OnlineOptions":
        if self.group < 2:
            raise ValueError(
                "a group of one response has nothing to be better than: responses and trained from 2 on"
            )
        if self.group > self.responses:
            raise ValueError(
                f"trained = {self.trained} is more than the {self.responses} responses that are drawn"
            )
        return self

    @property
    def group(self) -> int:
        """Responses of a query that are trained on."""
        return self.responses if self.trained is None else self.trained


class OnlineMethod(Method):
    """A plug-in that is trained on what the policy says at every step: subclass this and say what is rewarded.

        class Brevity(OnlineMethod):
            name = "brevity"
            title = "Brevity"
            source = "an example"

            def reward(self, group):
                return [-len(response.token_ids) for response in group.responses]

    The stage draws, turns rewards into advantages and moves the policy, the same for all of them.
    """

    group: ClassVar[str] = "online"
    Options: ClassVar[type[Section]] = OnlineOptions
    objectives: ClassVar[str] = "token_objectives"
    objective: ClassVar[Layer] = {"name": "token-mean"}
    training: ClassVar[Layer] = {"learning_rate": 1e-6, "batch_size": 1024}
    """`batch_size` counts responses, as everywhere: 128 queries of 8."""
    certainties: ClassVar[bool] = False
    """Whether `reward` reads `Completion.certainties`."""

    @abstractmethod
    def reward(self, group: Group) -> list[float]:
        """A finite number for each response of a group, in nothing but what the method declares to need."""

    def teacher_weight(self, progress: float) -> float | None:
        """How far the teacher follows the policy after a step, 1 all the way; None for methods without a teacher.

        The teacher begins as the base model. `progress` is the share of the steps that have been made.
        """
        return None

    @property
    def rephrases(self) -> bool:
        """Whether every query is also asked in other words, in the same step. The policy finds them before it trains,
        as its `options` say (which are `RephrasingOptions`, too)."""
        return False

    @property
    def reference(self) -> Literal["base", "teacher"]:
        """What the divergence of the objective is measured from."""
        return "base"

    @property
    def work(self) -> Work:
        drawn_by = 1 if self.teacher_weight(0.0) is None else 2
        drawn, trained = drawn_by * self.options.responses, self.options.group
        return Work(sampled=1 + 2 * drawn, trained=2 * trained) if self.rephrases else Work(drawn, 0, trained)

    async def collect(self, query: Query, policy: "Policy") -> Collected:
        raise TypeError(f"'{self.name}' is rewarded step by step: nothing is collected before it trains")
