"""An assistant's answer as the layout writes it: up to the token that ends its turn, and that token included.

That is not the tokenizer's end of sequence: Gemma ends a turn with <end_of_turn> and Qwen2.5's base models with
<|im_end|>, and both end a text with another token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from genius_bench.engines.rendering import encode, prompt_text
from genius_bench.errors import InputError
from genius_bench.rows import Message

QUESTION = Message(role="user", content="What is six times seven?")
ANSWER = "Forty-two, I say."
"""Words that no template writes by itself."""


@dataclass(frozen=True)
class Turn:
    """What stands around an answer. `after` goes up to the text of the end token, which `end` is the id of; where the
    layout writes none, the tokenizer's end of sequence follows the answer at once."""

    before: str
    after: str
    end: int


def answer_ids(tokenizer: Any, messages: Sequence[Message], answer: str) -> tuple[int, ...]:
    """The tokens that follow the prompt (`rendering.render`) where the assistant answers, its end of turn included.

    Raises `InputError` where neither template nor tokenizer has an end.
    """
    turn = require_turn(tokenizer)
    prompt, text = prompt_text(tokenizer, messages), turn.before + answer + turn.after
    asked, whole = encode(tokenizer, prompt), encode(tokenizer, prompt + text)
    # Read where they stand: by itself, a word would be given sentencepiece's leading space once more.
    ids = whole[len(asked) :] if whole[: len(asked)] == asked else encode(tokenizer, text)
    return tuple(ids) if ids[-1:] == [turn.end] else (*ids, turn.end)


def with_turn_end(tokenizer: Any, ids: Sequence[int]) -> tuple[int, ...]:
    """A sampled response that has ended, with the layout's end in the place of the token that ended it."""
    turn = require_turn(tokenizer)
    *closing, _ = [*encode(tokenizer, turn.after)] or [turn.end]
    body = list(ids[:-1])
    if closing and body[-len(closing) :] == closing:
        body = body[: -len(closing)]
    return (*body, *closing, turn.end)


def require_turn(tokenizer: Any) -> Turn:
    """Raises `InputError` where nothing says how an answer ends."""
    turn = turn_of(tokenizer)
    if turn is None:
        raise InputError(
            "nothing would tell the model to stop: its chat template ends no turn with a token of its own, and its "
            "tokenizer names no end of sequence (eos_token in tokenizer_config.json)"
        )
    return turn


@lru_cache(maxsize=16)
def turn_of(tokenizer: Any) -> Turn | None:
    """Found by rendering a conversation without and with its answer; None where there is no end."""
    before, following = _around_the_answer(tokenizer)
    control = {token.content: number for number, token in _added(tokenizer) if token.content.strip()}
    found = [(place, text) for text in control if (place := following.find(text)) >= 0]
    if found:
        place, text = min(found, key=lambda pair: (pair[0], -len(pair[1])))
        return Turn(before, following[: place + len(text)], control[text])
    end: int | None = tokenizer.eos_token_id
    return None if end is None else Turn(before, "", end)


def _added(tokenizer: Any) -> list[tuple[int, Any]]:
    """Special tokens, and those added as one piece that are not called so (<|im_end|> in some fine-tunes)."""
    return list(getattr(tokenizer, "added_tokens_decoder", {}).items())


def _around_the_answer(tokenizer: Any) -> tuple[str, str]:
    """The text between the prompt and an answer, and what follows the answer to the end of the conversation."""
    if not getattr(tokenizer, "chat_template", None):
        return " ", ""  # the plain layout's prompt ends in "Answer:"
    asked = prompt_text(tokenizer, [QUESTION])
    try:
        whole: str = tokenizer.apply_chat_template(
            [QUESTION, Message(role="assistant", content=ANSWER)], tokenize=False
        )
    except Exception:  # templates raise whatever their authors chose: this one knows no finished turns
        return "", ""
    start = whole.rfind(ANSWER)
    if start < 0:
        return "", ""
    return whole[len(asked) : start] if whole.startswith(asked) else "", whole[start + len(ANSWER) :]
