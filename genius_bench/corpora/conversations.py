"""The shapes that a conversation comes in: a list of turns, the same as JSON or Python text, or one plain question."""

import ast
import json
import re
import warnings
from contextlib import suppress
from math import isnan
from typing import Any

from genius_bench.rows import Message

CONVERSATION = ("messages", "conversations")
"""Columns of turns alone: other text in them is no question."""
ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
PAIRED = (("role", "content"), ("from", "value"))
"""The names of who speaks a turn and of what is said, in the two forms."""
SPEAKER = tuple(speaker for speaker, _ in PAIRED)
WRITTEN_TURN = re.compile(
    rf"""^(array\()?\s*\[?\s*\{{.*["']({"|".join(SPEAKER)})["']\s*:\s*["']({"|".join(ROLES)})["'].*\}}""",
    re.DOTALL,
)
CLOSING = ("]", "}", ")")
"""Text that begins as turns do and goes on with words is a question about them."""


class UnusableRow(Exception):
    """A row that makes no query; the message says why in a few words, `reason` is what such rows are counted under."""

    def __init__(self, message: str, reason: str = "unusable cell") -> None:
        super().__init__(message)
        self.reason = reason


def conversation(value: Any, column: str) -> tuple[tuple[Message, ...], str | None]:
    """The messages up to the last question, and the answer that follows it, if any."""
    turns = turns_of(value, column)
    last = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if last is None or not turns[last]["content"].strip():
        raise UnusableRow("has no query", "no query")
    return tuple(turns[: last + 1]), _reply(turns, last)


def turns_of(value: Any, column: str) -> list[Message]:
    """A conversation, also one that is kept as text; plain text is a question by itself."""
    value = _read_written(value, column)
    if isinstance(value, list):
        return [_turn(turn, column) for turn in value]
    if isinstance(value, str) and column in CONVERSATION:
        raise UnusableRow(f"has text in '{column}' that is no JSON list of turns")
    text = text_of(value, column)
    return [] if text is None else [Message(role="user", content=text)]


def reply_of(value: Any, column: str) -> str | None:
    """An answer as text; of turns the last one (preference data keep `chosen` so), which must be the assistant's."""
    value = _read_written(value, column)
    if _are_turns(value):
        last = _turn(value[-1], column)
        if last["role"] != "assistant":
            raise UnusableRow(
                f"has a conversation in '{column}' that does not end with the assistant's answer"
            )
        value = last["content"]
    text = text_of(value, column)
    return text if text and text.strip() else None


def past_of(value: Any, column: str) -> list[Message]:
    """What was said before the question: turns, or pairs of question and answer (`history`)."""
    value = _read_written(value, column)
    if not value or is_nothing(value):
        return []
    pairs = isinstance(value, list) and all(isinstance(one, list | tuple) and len(one) == 2 for one in value)
    if pairs:
        said = [(role, text_of(one, column)) for pair in value for role, one in zip(ASKED, pair, strict=True)]
        return [Message(role=role, content=text) for role, text in said if text is not None]
    if isinstance(value, list):
        return [_turn(turn, column) for turn in value]
    raise UnusableRow(f"has no list of turns in '{column}'")


ASKED = ("user", "assistant")


def within(asked: tuple[Message, ...], turns: list[Message]) -> tuple[tuple[Message, ...], str | None]:
    """A question where it stands in its conversation: what came before it, and the answer that follows it."""
    question = asked[-1]["content"].strip()
    users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    here = next((place for place in users if turns[place]["content"].strip() == question), None)
    if here is not None and len(asked) == 1:
        return tuple(turns[: here + 1]), _reply(turns, here)
    if turns and turns[0]["role"] == "system" and asked[0]["role"] != "system":
        asked = (turns[0], *asked)
    if here is None:  # asked in other words: whose answer it is, is plain only where nothing else was asked
        return asked, _reply(turns, users[0]) if len(users) == 1 else None
    return asked, _reply(turns, here)


def _reply(turns: list[Message], question: int) -> str | None:
    """What the assistant says right after that turn."""
    following = turns[question + 1 : question + 2]
    return following[0]["content"] if following and following[0]["role"] == "assistant" else None


def _read_written(value: Any, column: str) -> Any:
    """Turns that are kept as JSON or as Python's text, and one turn by itself, as a list; all else as it is."""
    if not isinstance(value, str):
        return [value] if _are_turns([value]) else value
    text = value.strip()
    found = _parsed(text) if text.startswith(("[", "{")) else None
    turns = [found] if isinstance(found, dict) else found
    if _are_turns(turns):
        return turns
    if found is None and WRITTEN_TURN.match(text) and text.endswith(CLOSING):
        raise UnusableRow(
            f"has turns written as text in '{column}' that cannot be read: neither JSON nor Python"
        )
    return value


def _parsed(text: str) -> Any:
    """What JSON or a literal of Python stands for; None for all other text."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    with warnings.catch_warnings(), suppress(ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        warnings.simplefilter("ignore")  # of text that is none, Python's reader complains on the terminal
        return ast.literal_eval(text)
    return None


def _are_turns(value: Any) -> bool:
    """Whether somebody speaks in a list: other objects have a `role` or a `from` too, and an answer may be made of
    them."""
    return isinstance(value, list) and any(
        isinstance(one, dict)
        and (
            any(str(one.get(name)) in ROLES for name in SPEAKER)
            or any(speaker in one and isinstance(one.get(said), str) for speaker, said in PAIRED)
        )
        for one in value
    )


def _turn(turn: Any, column: str) -> Message:
    if isinstance(turn, dict):
        role = turn.get("role", turn.get("from"))
        content = text_of(turn.get("content", turn.get("value")), column)
        if isinstance(role, str) and role in ROLES and content is not None:
            return Message(role=ROLES[role], content=content)
    raise UnusableRow(f"has a turn in '{column}' that is not a role (user, assistant, system) with a text")


def is_nothing(value: Any) -> bool:
    """Null, or NaN, which pandas writes instead."""
    return value is None or (isinstance(value, float) and isnan(value))


def text_of(value: Any, column: str) -> str | None:
    """A cell as text, untouched."""
    if is_nothing(value):
        return None
    if not isinstance(value, str | int | float):
        raise UnusableRow(f"has a {type(value).__name__} in '{column}' where text belongs")
    text = str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnusableRow(
                f"has half a surrogate pair in '{column}', which no encoding can hold"
            ) from None
    return text
