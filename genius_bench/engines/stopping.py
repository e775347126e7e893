"""Where a completion ends: end-of-sequence token, stop string, or its limit of tokens."""

from functools import cache
from typing import Any

from genius_bench.rows import FinishReason


class Stopping:
    """Recognises ends for one tokenizer.

    Decoding every row at every token would cost more than a small model does, so text is decoded only when the newest
    token may contain the last character of a stop string: it does, or is part of a character, or may have lost a space.
    """

    def __init__(self, tokenizer: Any, end_tokens: frozenset[int]) -> None:
        self.end_tokens = end_tokens
        self._tokenizer = tokenizer
        self._piece = cache(lambda token: tokenizer.decode([token], skip_special_tokens=False))

    def reason(
        self, token_ids: list[int], max_tokens: int, stop: tuple[str, ...], begin: int = 0
    ) -> FinishReason | None:
        """Why the completion, which begins at `begin`, ends after its newest token; None while it goes on."""
        newest = token_ids[-1]
        if newest in self.end_tokens:
            return "eos"
        if stop and self._may_complete(newest, stop):
            text = self.decode(token_ids[begin:])
            if any(string in text for string in stop):
                return "stop"
        return "length" if len(token_ids) - begin >= max_tokens else None

    def _may_complete(self, token: int, stop: tuple[str, ...]) -> bool:
        piece = self._piece(token)
        return "\ufffd" in piece or any(string[-1] in piece or string[-1] == " " for string in stop)

    def decode(self, token_ids: list[int]) -> str:
        text: str = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        return text

    def visible_text(self, token_ids: list[int], stop: tuple[str, ...]) -> str:
        """The text before the first stop string."""
        text = self.decode(token_ids)
        ends = [position for string in stop if (position := text.find(string)) >= 0]
        return text[: min(ends)] if ends else text
