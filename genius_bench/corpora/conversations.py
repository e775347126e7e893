"""The shapes that a conversation comes in: a list of turns, the same as JSON or Python text, or one plain question."""

import ast
import json
import re
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
ROLE = {"role", "from"}
"""The two names of who speaks a turn."""
WRITTEN_TURN = re.compile(r"""^(array\()?\s*\[?\s*\{.*["'](role|from)["']\s*:\s*["']\w+["'].*\}""", re.DOTALL)
CLOSING = ("]", "}", ")")
"""Text that begins as turns do and goes on with words is a question about them."""


class UnusableRow(Exception):
    """A row that makes no query; the message says why in a few words."""


def conversation(value: Any, column: str) -> tuple[tuple[Message, ...], str | None]:
    """The messages up to the last question, and the answer that follows it, if any."""
    turns = turns_of(value, column)
    last = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if last is None or not turns[last]["content"].strip():
        raise UnusableRow("has no query")
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
    if isinstance(value, list) and value and isinstance(value[-1], dict):
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
    if not value or value != value:
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
    if isinstance(value, dict) and ROLE & value.keys():
        return [value]
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{", "a"):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        turns = [found] if isinstance(found, dict) else found
        if (
            isinstance(turns, list)
            and turns
            and all(isinstance(one, dict) and ROLE & one.keys() for one in turns)
        ):
            return turns
        break
    if WRITTEN_TURN.match(value.strip()) and value.rstrip().endswith(CLOSING):
        raise UnusableRow(
            f"has turns written as text in '{column}' that cannot be read: neither JSON nor Python"
        )
    return value


def _turn(turn: Any, column: str) -> Message:
    if isinstance(turn, dict):
        role = turn.get("role", turn.get("from"))
        content = text_of(turn.get("content", turn.get("value")), column)
        if isinstance(role, str) and role in ROLES and content is not None:
            return Message(role=ROLES[role], content=content)
    raise UnusableRow(f"has a turn in '{column}' that is not a role (user, assistant, system) with a text")


def text_of(value: Any, column: str) -> str | None:
    """A cell as text, untouched."""
    if value is None or value != value:  # NaN, which pandas writes where there is nothing
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
