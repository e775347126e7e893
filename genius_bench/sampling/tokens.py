"""Sampled tokens and how probable the policy found them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Sampled tokens with their log-probabilities (nats, temperature 1)."""

    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    text: str = ""
    """What the engine said that they are, without a stop string; what answers that are joined as text are made of."""

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            ids=self.ids + other.ids,
            logprobs=self.logprobs + other.logprobs,
            text=self.text + other.text,
        )

    @property
    def mean_logprob(self) -> float:
        """Nats per token; 0 for no token, as the release has it."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else 0.0


NO_TOKENS = Tokens()
