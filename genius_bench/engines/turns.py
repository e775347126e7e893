"""An assistant's answer as the layout writes it: up to the token that ends its turn, and that token included.

That is not the tokenizer's end of sequence: Gemma ends a turn with <end_of_turn> and Qwen2.5's base models with
<|im_end|>, and both end a text with another token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from genius_bench.engines.rendering import Unrenderable, encode, prompt_text, with_template
from genius_bench.errors import InputError
from genius_bench.rows import Message

QUESTION = Message(role="user", content="What is six times seven?")
ANSWER = "Forty-two, I say."
"""Words that no template writes by itself."""
ANSWERED = Message(role="assistant", content=ANSWER)
THOUGHTS = {"<think>": "</think>", "[THINK]": "[/THINK]", "<|START_THINKING|>": "<|END_THINKING|>"}


@dataclass(frozen=True)
class Turn:
    """What stands around an answer. `after` goes up to the text of the end token, which `end` is the id of; where the
    layout writes none, the tokenizer's end of sequence follows the answer at once."""

    before: str
    after: str
    end: int


def answer_ids(tokenizer: Any, messages: Sequence[Message], answer: str) -> tuple[int, ...]:
    """The tokens that follow the prompt (`rendering.render`) where the assistant answers, its end of turn included.

    Raises `InputError` where neither template nor tokenizer has an end, and where the answer would be a thought.
    """
    turn = require_turn(tokenizer)
    prompt = prompt_text(tokenizer, messages)
    text = turn.before + outside_thoughts(prompt + turn.before, answer) + turn.after
    asked, whole = encode(tokenizer, prompt), encode(tokenizer, prompt + text)
    # Read where they stand: by itself, a word would be given sentencepiece's leading space once more.
    ids = whole[len(asked) :] if whole[: len(asked)] == asked else encode(tokenizer, text)
    return tuple(ids) if ids[-1:] == [turn.end] else (*ids, turn.end)


def outside_thoughts(prompt: str, answer: str) -> str:
    """The answer as it goes on after a prompt that opens a thought: with the thought's end, without its beginning.

    Raises `InputError` for an answer without a thought: taught there, it would be taught as one.
    """
    for opening, closing in THOUGHTS.items():
        if prompt.rstrip().endswith(opening):
            if closing not in answer:
                raise InputError(
                    f"the model's chat template lets the assistant begin with {opening}, and this answer has no "
                    f"{closing}: choose another template with --set engine.chat_template=FILE"
                )
            return answer.lstrip().removeprefix(opening).lstrip()
    return answer


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
        stop = place + len(text)
        continued = _before_the_next_question(tokenizer)
        while further := max((t for t in control if following.startswith(t, stop)), key=len, default=""):
            if not continued.startswith(following[: stop + len(further)]):
                break  # it ends the text, not the turn
            text, stop = further, stop + len(further)
        return Turn(before, following[:stop], control[text])
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
    whole = _rendered(tokenizer, [QUESTION, ANSWERED])
    start = whole.rfind(ANSWER)
    if start < 0:
        return "", ""
    return whole[len(asked) : start] if whole.startswith(asked) else "", whole[start + len(ANSWER) :]


def _before_the_next_question(tokenizer: Any) -> str:
    return _rendered(tokenizer, [QUESTION, ANSWERED, QUESTION]).rpartition(ANSWER)[2]


def _rendered(tokenizer: Any, messages: list[Message]) -> str:
    """Nothing where the template knows no finished turns."""
    try:
        return with_template(tokenizer, messages)
    except Unrenderable:
        return ""
