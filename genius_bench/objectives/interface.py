"""What a loss sees and what it declares.

An objective is a small frozen model whose fields are its parameters. A new one is a file with a class that names
itself, says what it needs and writes its formula in `row_losses`, plus one entry point (`genius_bench.objectives`):

    class Hinge(Objective):
        name = "hinge"
        title = "Hinge on the reward margin"
        source = "arXiv 2305.10425, Eq. 6"
        beta: Positive = 0.1

        def row_losses(self, batch):
            chosen, rejected = self.beta * batch.chosen_ratio, self.beta * batch.rejected_ratio
            return torch.relu(1 - (chosen - rejected)), reward_metrics(chosen, rejected)
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from genius_bench import registry
from genius_bench.layers import validate
from genius_bench.recipe import Section

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A parameter that must be a finite number above zero."""

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A parameter that must be a finite number, zero included: zero switches its term off."""

FlipRate = Annotated[float, Field(ge=0, lt=0.5, allow_inf_nan=False)]
"""ε, the assumed share of pairs whose chosen and rejected response are swapped: below one half."""

Metrics = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class ObjectiveBatch:
    """One micro batch as a loss sees it: every tensor has shape [batch] and type float32.

    `policy_*` and `reference_*` are log-probabilities in nats, summed over the response tokens (end-of-sequence token
    included); only `policy_*` carries gradient. Lengths count response tokens. Advantages are in nats per token.
    For demonstrations only the chosen half means anything, the rejected half is zero.
    """

    policy_chosen: Tensor
    policy_rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_length: Tensor
    rejected_length: Tensor
    chosen_advantage: Tensor
    rejected_advantage: Tensor
    weight: Tensor

    @property
    def chosen_ratio(self) -> Tensor:
        """r_θ(y_w) = log π_θ(y_w|x) − log π_ref(y_w|x), nats."""
        return self.policy_chosen - self.reference_chosen

    @property
    def rejected_ratio(self) -> Tensor:
        """r_θ(y_l) = log π_θ(y_l|x) − log π_ref(y_l|x), nats."""
        return self.policy_rejected - self.reference_rejected


class Objective(Section):
    """A loss of log-probabilities: fields are its parameters, class variables its needs."""

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and equation."""
    eats: ClassVar[Literal["pairs", "demonstrations"]] = "pairs"
    """Demonstration objectives given pairs imitate the chosen response."""
    needs_reference: ClassVar[bool] = True
    needs_advantages: ClassVar[bool] = False
    length_normalised: ClassVar[bool] = False
    """Whether the loss uses mean instead of summed log-probabilities."""

    @abstractmethod
    def row_losses(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        """The loss of each row and what to log about it, all of shape [batch]."""

    def __call__(self, batch: ObjectiveBatch) -> tuple[Tensor, Metrics]:
        """Mean over rows of weight × loss, and the mean of each metric (no gradient); all scalars."""
        losses, metrics = self.row_losses(batch)
        means = {name: values.detach().float().mean() for name, values in metrics.items()}
        return (batch.weight * losses).mean(), means


def reward_metrics(chosen: Tensor, rejected: Tensor) -> Metrics:
    """What every preference objective logs about its implicit rewards, each of shape [batch]."""
    return {
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margin": chosen - rejected,
        "rewards/accuracy": (chosen > rejected).float(),
    }


def build_objective(section: dict[str, Any], kind: str = "objectives") -> Any:
    """The objective of a recipe's section: `name` and the objective's own parameters; `kind` is its plug-ins'.

    Raises `InputError` that names the offending key for an unknown name, parameter or impossible value.
    """
    parameters = {key: value for key, value in section.items() if key != "name"}
    return validate(registry.load(kind, section["name"]), parameters, "objective")
