"""From a source's own columns to a `Query`: which column is what."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from genius_bench.corpora.conversations import (
    CONVERSATION,
    UnusableRow,
    conversation,
    is_nothing,
    past_of,
    reply_of,
    text_of,
    turns_of,
    within,
)
from genius_bench.corpora.stream import Record
from genius_bench.errors import InputError, nearest
from genius_bench.integrity import digest_of
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Message, Preference, Query

QUERY = ("query", "prompt", "question", "problem", "instruction", *CONVERSATION)
REFERENCE = ("reference", "response", "output", "completion", "chosen")
ANSWER = ("answer", "gold", "final_answer")
SYSTEM = ("system", "system_prompt", "system_message", "system_instruction")
HISTORY = ("history",)
ID = ("id", "uuid", "query_id")
CHOSEN, REJECTED = "chosen", "rejected"
NUMBERS = ("weight", "chosen_advantage", "rejected_advantage")
"""Of preference data, in columns of these names; advantages in nats per token."""
ABOUT = {"instruction": ("input", "context"), "question": ("context",)}
"""What a query is about, where a data set keeps it in a column of its own (Alpaca, Dolly, SQuAD)."""


@dataclass
class Columns:
    """Which columns of a source play which part. A known column is read in every row that has something in it (Parquet
    and the hub give each row all columns); where there are two for the query, the order of their names decides."""

    section: CorpusSection
    preferences: bool = False
    """Whether rows are preference data: each is a query of its own, though others ask the same."""
    used: dict[str, str] = field(default_factory=dict)
    """Part → column, for the manifest and for people: the first that was read."""
    _seen: dict[str, None] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, section: CorpusSection, first: Record, preferences: bool = False) -> "Columns":
        first = Record(first.where, _with_prompt(first.values)) if preferences else first
        for option in ("query_column", "reference_column", "answer_column"):
            _check_named(getattr(section, option), option, first)
        if section.query_column is None and first.values.keys().isdisjoint(QUERY):
            raise InputError(
                f"{first.where}: none of its columns ({', '.join(first.values) or 'it has none'}) is known to hold "
                "the query: name it with --set corpus.query_column=NAME"
            )
        return cls(section, preferences)

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns of which no row's content was looked at, in the order of their appearance."""
        return tuple(name for name in self._seen if name not in self._read)

    def read(self, row: dict[str, Any]) -> tuple[Query, bool]:
        """The row as a `Query`, and whether its id is its own (not made from its content)."""
        values = {name: value for name, value in row.items() if not is_nothing(value)}
        if self.preferences:
            values = _with_prompt(values)
        known = _either(self.section.query_column, QUERY)
        query = next((name for name in known if name in values), known[0])
        named = (self.section.reference_column, self.section.answer_column)
        parts = {
            "query": (query,),
            "query_input": tuple(name for name in ABOUT.get(query, ()) if name not in named),
            "conversation": () if query in CONVERSATION else CONVERSATION,
            "history": HISTORY,
            "system": SYSTEM,
            "reference": _either(self.section.reference_column, self._references),
            **({name: (name,) for name in (REJECTED, *NUMBERS)} if self.preferences else {}),
            "answer": _either(self.section.answer_column, ANSWER),
            "id": ID,
        }
        labels = {
            part: [name for name in names if name in values and (name != query or part == "query")]
            for part, names in parts.items()
        }
        self._note(labels, values)

        messages, turn_after = conversation(values.get(query), query)
        for name in labels["conversation"][:1]:
            messages, turn_after = within(messages, turns_of(values[name], name))
        messages = _about(messages, values, labels["query_input"])
        messages = _after_history(messages, values, labels["history"])
        messages = _under_system(messages, values, labels["system"])
        replies = (reply_of(values[name], name) for name in labels["reference"])
        answers = (reply_of(values[name], name) for name in labels["answer"])
        own_id = next(filter(None, (text_of(values[name], name) for name in labels["id"])), None)
        reference = next((reply for reply in replies if reply is not None), turn_after)
        preference = _preference(values) if self.preferences else None
        content = messages
        if self.preferences:
            responses = (reference or "", preference.get("rejected", "") if preference else "")
            content = (*messages, *(Message(role="assistant", content=text) for text in responses))
        found = Query(
            id=own_id or content_id(content),
            messages=messages,
            reference=reference,
            answer=next((answer for answer in answers if answer is not None), None),
            preference=preference,
        )
        return found, bool(own_id)

    @property
    def _references(self) -> tuple[str, ...]:
        return (CHOSEN, *REFERENCE) if self.preferences else REFERENCE

    def _note(self, labels: dict[str, list[str]], values: dict[str, Any]) -> None:
        for part, names in labels.items():
            if names:
                self.used.setdefault(part, names[0])
        self._seen |= dict.fromkeys(values)
        self._read |= {name for names in labels.values() for name in names}


def content_id(messages: tuple[Message, ...]) -> str:
    """An id made from what is asked alone: a query keeps it when labels are added, changed or taken away."""
    return "q-" + digest_of([[message["role"], message["content"]] for message in messages])[:20]


def content_digest(query: Query) -> bytes:
    """A digest of everything in the row, for the corpus's fingerprint."""
    row: list[Any] = [query.id, [[m["role"], m["content"]] for m in query.messages]]
    row += [query.reference, query.answer, *([query.preference] if query.preference is not None else [])]
    return sha256(digest_of(row).encode()).digest()


def _with_prompt(values: dict[str, Any]) -> dict[str, Any]:
    """Where whole conversations are preferred, their prompt is what comes before the last turn of the chosen one."""
    if not values.keys().isdisjoint(QUERY) or is_nothing(values.get(CHOSEN)):
        return values
    turns = turns_of(values[CHOSEN], CHOSEN)
    return values if len(turns) < 2 else {**values, "prompt": list(turns[:-1])}


def _preference(values: dict[str, Any]) -> Preference | None:
    """None for a row with nothing of the kind: a demonstration."""
    found: dict[str, Any] = {}
    for name in NUMBERS:
        value = values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UnusableRow(f"has a {type(value).__name__} in '{name}' where a number belongs")
        found |= {} if value is None else {name: float(value)}
    rejected = reply_of(values[REJECTED], REJECTED) if REJECTED in values else None
    found |= {} if rejected is None else {REJECTED: rejected}
    return Preference(**found) if found else None  # type: ignore[typeddict-item]


def _check_named(name: str | None, option: str, first: Record) -> None:
    if name is not None and name not in first.values:
        hint = nearest(name, list(first.values))
        raise InputError(f"{first.where} has no column '{name}' (corpus.{option}): {hint}")


def _either(named: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    return known if named is None else (named,)


def _about(messages: tuple[Message, ...], values: dict[str, Any], columns: list[str]) -> tuple[Message, ...]:
    """The query, and under it what it is about."""
    texts = {name: text for name in columns if (text := text_of(values[name], name)) and text.strip()}
    if len(texts) > 1:
        raise UnusableRow(
            f"has text in {' and in '.join(map(repr, texts))}: which one the query is about is unknown"
        )
    for extra in texts.values():
        text = f"{messages[-1]['content']}\n\n{extra}"
        messages = (*messages[:-1], Message(role="user", content=text))
    return messages


def _after_history(
    messages: tuple[Message, ...], values: dict[str, Any], columns: list[str]
) -> tuple[Message, ...]:
    past = [turn for name in columns for turn in past_of(values[name], name)]
    system = 1 if past and messages[0]["role"] == "system" else 0
    return (*messages[:system], *past, *messages[system:])


def _under_system(
    messages: tuple[Message, ...], values: dict[str, Any], columns: list[str]
) -> tuple[Message, ...]:
    """The conversation under the system text that the row keeps in a column of its own."""
    for column in columns:
        cell = values[column]
        text = text_of(cell, column)
        if text is None or not text.strip():
            continue
        if not isinstance(cell, str):
            raise UnusableRow(f"has a {type(cell).__name__} in '{column}' where a system text belongs")
        if messages[0]["role"] != "system":
            return (Message(role="system", content=text), *messages)
        if messages[0]["content"].strip() != text.strip():
            raise UnusableRow(f"has one system text in '{column}' and another in its conversation")
    return messages
