"""How steps and look-aheads are put together: sampled tokens as they are, or the release's text surgery."""

from dataclasses import replace

from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.tokens import Tokens


class Joining:
    """With `joining="tokens"` nothing is touched.

    The release strips steps and look-aheads, joins them with one newline, and reads the look-ahead after one newline
    more than the text that it stores (facts D10, D11); the joined text is tokenised again. The log-probabilities then
    belong to tokens that are no longer there, so references must be recomputed.
    """

    def __init__(self, policy: Policy, options: ForesightOptions) -> None:
        self._policy = policy
        self._released = options.joining == "released"

    @property
    def forgets_ends(self) -> bool:
        """Text that has been stripped and tokenised again no longer says that the answer had ended."""
        return self._released

    def step(self, step: Tokens) -> Tokens:
        return self._retokenised(step, "\n") if self._released else step

    def foresight(self, foresight: Tokens) -> Tokens:
        return self._retokenised(foresight, "") if self._released else foresight

    def before_foresight(self, prefix_ids: tuple[int, ...]) -> tuple[int, ...]:
        return prefix_ids + self._encode("\n") if self._released else prefix_ids

    def _retokenised(self, tokens: Tokens, ending: str) -> Tokens:
        text = self._policy.text(tokens.ids).replace("<end_of_reasoning>", "").strip()
        return replace(tokens, ids=self._encode(text + ending))

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._policy.tokenizer(text, add_special_tokens=False)["input_ids"])
