"""How steps and look-aheads are put together: sampled tokens as they are, or the release's text surgery."""

from dataclasses import dataclass, replace

from genius_bench.engines.rendering import encode
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.prompts import Prompt
from genius_bench.sampling.tokens import Tokens


@dataclass(frozen=True)
class Joining:
    """Nothing is touched: what is trained is what was sampled, token by token."""

    prompt: Prompt
    policy: Policy
    forgets_ends = False
    """Text that has been stripped and tokenised again no longer says that the answer had ended."""

    def step(self, step: Tokens) -> Tokens:
        """A step as it is kept."""
        return step

    def foresight(self, foresight: Tokens) -> Tokens:
        """A look-ahead as it is kept."""
        return foresight

    def before_step(self, prefix: Tokens) -> tuple[int, ...]:
        """What a step is asked after."""
        return self.prompt.ids + prefix.ids

    def before_foresight(self, prefix: Tokens, step: Tokens) -> tuple[int, ...]:
        """What a look-ahead is asked after."""
        return self.prompt.ids + prefix.ids + step.ids


class ReleasedJoining(Joining):
    """Steps and look-aheads are stripped and joined by newlines, and every request is one text, tokenised anew.

    A look-ahead is asked for after text that is not kept: one newline more before the step, and none behind it (D10,
    D11; sampler L18–24, L91, L108, L121). Log-probabilities belong to tokens that are no longer there, so references
    must be recomputed.
    """

    forgets_ends = True

    def step(self, step: Tokens) -> Tokens:
        return self._as_text(step, step.text.strip() + "\n")

    def foresight(self, foresight: Tokens) -> Tokens:
        return self._as_text(foresight, foresight.text.strip())

    def before_step(self, prefix: Tokens) -> tuple[int, ...]:
        return self.prompt.before(prefix.text)

    def before_foresight(self, prefix: Tokens, step: Tokens) -> tuple[int, ...]:
        return self.prompt.before(f"{prefix.text}\n{step.text.strip()}")

    def _as_text(self, tokens: Tokens, text: str) -> Tokens:
        return replace(tokens, ids=tuple(encode(self.policy.tokenizer, text)), text=text)


def joining_of(prompt: Prompt, policy: Policy, options: ForesightOptions) -> Joining:
    return (ReleasedJoining if options.joining == "released" else Joining)(prompt, policy)
