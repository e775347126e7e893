"""Methods some of whose iterations imitate, while the others prefer."""

from abc import abstractmethod

from pydantic import PositiveFloat

from genius_bench.layers import Layer
from genius_bench.method import Method
from genius_bench.recipe import Section


class PhaseOptions(Section):
    imitation_factor: PositiveFloat = 4.0
    """Multiple of `training.learning_rate` in iterations that imitate: 2e-6, as other imitation has here."""


class PhasedMethod(Method):
    """The recipe's objective is that of the iterations which prefer."""

    @abstractmethod
    def imitates(self, iteration: int) -> bool:
        """Whether an iteration (1, 2, …) makes demonstrations."""

    def settings_of(self, iteration: int) -> Layer:
        return {"objective": {"name": "sft"}} if self.imitates(iteration) else {}

    def factors_of(self, iteration: int) -> Layer:
        return {
            "training": {"learning_rate": self.options.imitation_factor if self.imitates(iteration) else 1.0}
        }
