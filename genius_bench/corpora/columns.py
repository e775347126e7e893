"""From a source's own columns to a `Query`: which column is what, and which shapes a conversation comes in."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from genius_bench.artifacts import digest_of
from genius_bench.corpora.stream import Record
from genius_bench.errors import InputError, nearest
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Message, Query

QUERY = ("query", "prompt", "question", "problem", "instruction", "messages", "conversations")
REFERENCE = ("reference", "response", "output", "chosen")
ANSWER = ("answer", "gold", "final_answer")
CONVERSATION = ("messages", "conversations")
SYSTEM = ("system", "system_prompt", "system_message")
ID = ("id", "uuid", "query_id")
INSTRUCTION_INPUT = ("input", "context")
"""What an `instruction` is about, where a data set keeps it in a column of its own (Alpaca, Dolly)."""

ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
ROLE = {"role", "from"}
"""The two names of who speaks a turn."""


class UnusableRow(Exception):
    """A row that makes no query; the message says why in a few words."""


@dataclass(frozen=True)
class Columns:
    """Which column of a source plays which part; the first row decides, once for all."""

    query: str
    query_input: str | None
    conversation: str | None
    """Beside a plain query: the conversation that it is part of, with what came before it and its answer."""
    system: str | None
    reference: str | None
    answer: str | None
    id: str | None

    @classmethod
    def of(cls, section: CorpusSection, first: Record) -> "Columns":
        present = list(first.values)
        query = _named(section.query_column, "query_column", first) or _recognised(QUERY, present)
        if query is None:
            raise InputError(
                f"{first.where}: none of its columns ({', '.join(present) or 'it has none'}) is known to hold the "
                "query: name it with --set corpus.query_column=NAME"
            )
        labels = [name for name in present if name != query]
        return cls(
            query=query,
            query_input=_recognised(INSTRUCTION_INPUT, labels) if query == "instruction" else None,
            conversation=_recognised(CONVERSATION, labels) if query not in CONVERSATION else None,
            system=_recognised(SYSTEM, labels),
            reference=_named(section.reference_column, "reference_column", first)
            or _recognised(REFERENCE, labels),
            answer=_named(section.answer_column, "answer_column", first) or _recognised(ANSWER, labels),
            id=_recognised(ID, labels),
        )

    def used(self) -> dict[str, str]:
        """Part → column, for the manifest and for people."""
        return {part: column for part, column in vars(self).items() if column is not None}

    def read(self, values: dict[str, Any]) -> tuple[Query, bool]:
        """The row as a `Query`, and whether its id is its own (not made from its content)."""
        messages, turn_after = _conversation(values.get(self.query), self.query)
        if self.conversation is not None and values.get(self.conversation) is not None:
            messages, turn_after = _within(messages, _turns(values[self.conversation], self.conversation))
        if self.query_input is not None:
            extra = _text(values.get(self.query_input), self.query_input)
            if extra and extra.strip():
                text = f"{messages[-1]['content']}\n\n{extra}"
                messages = (*messages[:-1], Message(role="user", content=text))
        messages = _under_system(messages, values, (self.system,) if self.system else SYSTEM)
        reference = _text(values.get(self.reference), self.reference) if self.reference else None
        answer = _text(values.get(self.answer), self.answer) if self.answer else None
        own_id = _text(values.get(self.id), self.id) if self.id else None
        query = Query(
            id=own_id or content_id(messages),
            messages=messages,
            reference=reference if reference is not None else turn_after,
            answer=answer,
        )
        return query, bool(own_id)


def content_id(messages: tuple[Message, ...]) -> str:
    """An id made from what is asked alone: a query keeps it when labels are added, changed or taken away."""
    return "q-" + digest_of([[message["role"], message["content"]] for message in messages])[:20]


def content_digest(query: Query) -> bytes:
    """A digest of everything in the row, for the corpus's fingerprint."""
    row = [query.id, [[m["role"], m["content"]] for m in query.messages], query.reference, query.answer]
    return sha256(digest_of(row).encode()).digest()


def _named(name: str | None, option: str, first: Record) -> str | None:
    if name is not None and name not in first.values:
        hint = nearest(name, list(first.values))
        raise InputError(f"{first.where} has no column '{name}' (corpus.{option}): {hint}")
    return name


def _recognised(known: tuple[str, ...], present: list[str]) -> str | None:
    return next((name for name in known if name in present), None)


def _conversation(value: Any, column: str) -> tuple[tuple[Message, ...], str | None]:
    """The messages up to the last question, and the answer that follows it, if any."""
    turns = _turns(value, column)
    last = max((place for place, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if last is None or not turns[last]["content"].strip():
        raise UnusableRow("has no query")
    return tuple(turns[: last + 1]), _reply(turns, last)


def _turns(value: Any, column: str) -> list[Message]:
    """A conversation, also one that is kept as JSON text; plain text is a question by itself."""
    if isinstance(value, str) and (column in CONVERSATION or value.lstrip().startswith("[")):
        value = _read_json(value, column)
    if isinstance(value, list):
        return [_turn(turn, column) for turn in value]
    text = _text(value, column)
    return [] if text is None else [Message(role="user", content=text)]


def _read_json(text: str, column: str) -> Any:
    """The turns that are written there; where there are none, the text itself (no question in a column of turns)."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if (
        isinstance(value, list)
        and value
        and all(isinstance(turn, dict) and ROLE & turn.keys() for turn in value)
    ):
        return value
    if column in CONVERSATION:
        raise UnusableRow(f"has text in '{column}' that is no JSON list of turns")
    return text


def _within(asked: tuple[Message, ...], turns: list[Message]) -> tuple[tuple[Message, ...], str | None]:
    """A question where it stands in its conversation: what came before it, and the answer that follows it."""
    question = asked[-1]["content"].strip()
    users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
    here = next((place for place in users if turns[place]["content"].strip() == question), None)
    if here is None:  # asked in other words: whose answer it is, is plain only where nothing else was asked
        return asked, _reply(turns, users[0]) if len(users) == 1 else None
    return (tuple(turns[: here + 1]) if len(asked) == 1 else asked), _reply(turns, here)


def _reply(turns: list[Message], question: int) -> str | None:
    """What the assistant says right after that turn."""
    following = turns[question + 1 : question + 2]
    return following[0]["content"] if following and following[0]["role"] == "assistant" else None


def _under_system(
    messages: tuple[Message, ...], values: dict[str, Any], columns: tuple[str, ...]
) -> tuple[Message, ...]:
    """The conversation under the system text that the row keeps in a column of its own."""
    for column in columns:
        cell = values.get(column)
        text = _text(cell, column)
        if text is None or not text.strip():
            continue
        if not isinstance(cell, str):
            raise UnusableRow(f"has a {type(cell).__name__} in '{column}' where a system text belongs")
        if messages[0]["role"] != "system":
            return (Message(role="system", content=text), *messages)
        if messages[0]["content"].strip() != text.strip():
            raise UnusableRow(f"has one system text in '{column}' and another in its conversation")
    return messages


def _turn(turn: Any, column: str) -> Message:
    if isinstance(turn, dict):
        role = turn.get("role", turn.get("from"))
        content = _text(turn.get("content", turn.get("value")), column)
        if role in ROLES and content is not None:
            return Message(role=ROLES[role], content=content)
    raise UnusableRow(f"has a turn in '{column}' that is not a role (user, assistant, system) with a text")


def _text(value: Any, column: str | None) -> str | None:
    """A cell as text, untouched; of a list of messages the last one (preference data keep `chosen` so)."""
    if column == "chosen" and isinstance(value, str) and value.lstrip().startswith("["):
        value = _read_json(value, column)
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = _turn(value[-1], str(column))["content"]
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
