"""Token ids as the plain text that TRL makes the same ids of."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Texts(NamedTuple):
    prompt: str
    responses: list[str]


def as_trl_reads(
    tokenizer: Any, prompt_ids: Sequence[int], responses: Sequence[Sequence[int]]
) -> Texts | None:
    """A prompt and its responses with special tokens written out; None where their text does not lead back to them.

    TRL reads text, and a model may have sampled tokens that its own tokenizer would not make of the text: what TRL
    trains on is to be what was trained on here. It also ends every response: an unfinished one would be another there.
    """
    prompt = _without_start(tokenizer, tokenizer.decode(prompt_ids))
    texts = [tokenizer.decode(ids) for ids in responses]
    wanted = [[*prompt_ids, *ids] for ids in responses]
    return Texts(prompt, texts) if [_ids(tokenizer, prompt + text) for text in texts] == wanted else None


def _without_start(tokenizer: Any, text: str) -> str:
    """Without the beginning of sequence where the tokenizer adds one by itself."""
    start = tokenizer.bos_token
    adds = start is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    return text.removeprefix(start) if adds else text


def _ids(tokenizer: Any, text: str) -> list[int]:
    end = tokenizer.eos_token or ""
    ids: list[int] = tokenizer(text if text.endswith(end) else text + end)["input_ids"]
    return ids
