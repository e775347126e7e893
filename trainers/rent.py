"""RENT: reinforcement learning via entropy minimisation (arXiv 2505.22660)."""

from typing import Annotated, Literal

from pydantic import Field

from genius_bench.online_method import VERL, Group, OnlineMethod, OnlineOptions
from genius_bench.rewards.confidence import negative_entropy

UNPARSABLE = -7.0
"""What the release gives a response without an answer, nats: less than any entropy of its models' tokens."""


class RentOptions(OnlineOptions):
    last: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of a response's tokens, from its end, whose entropy counts."""
    unparsable: Literal["like_others", "punished"] = "like_others"
    """What a response without an answer gets: its entropy too, or (the release's default command) -7."""


class RENT(OnlineMethod):
    """Rewards responses by how little entropy the policy's next-word distributions had, on average over tokens.

    The entropy is that of the policy as it draws, at temperature 1, of all tokens and the end.
    """

    name = "rent"
    title = "RENT"
    source = "Prabhudesai et al., 'Maximizing Confidence Alone Improves Reasoning', arXiv 2505.22660"
    Options = RentOptions
    variants = {
        "paper": {},
        "released": {
            "sampling": {"responses": 5, "unparsable": "punished"},
            "objective": VERL | {"beta": 0.001},
            "training": {"batch_size": 1280},
        },
    }

    def reward(self, group: Group) -> list[float]:
        rewards = [negative_entropy(response.entropies, self.options.last) for response in group.responses]
        if self.options.unparsable == "like_others":
            return rewards
        return [
            UNPARSABLE if answer is None else reward
            for answer, reward in zip(group.answers, rewards, strict=True)
        ]
