"""Columns are recognised in the shapes that data sets come in, or named by the recipe."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genius_bench.corpora import Corpus, load_corpus
from genius_bench.errors import InputError
from genius_bench.recipe import CorpusSection
from genius_bench.rows import Query


def load(tmp_path: Path, *rows: dict[str, Any], **section: Any) -> Corpus:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_corpus(CorpusSection(name=str(path), **section))


def one(tmp_path: Path, row: dict[str, Any], **section: Any) -> Query:
    (query,) = load(tmp_path, row, **section).queries
    return query


def turns(query: Query) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in query.messages]


@pytest.mark.parametrize("column", ["query", "prompt", "question", "problem", "instruction"])
def test_plain_columns(tmp_path: Path, column: str) -> None:
    query = one(tmp_path, {column: "Why?", "other": 1})
    assert (turns(query), query.reference, query.answer) == ([("user", "Why?")], None, None)


@pytest.mark.parametrize("column", ["reference", "response", "output", "completion", "chosen"])
def test_reference_columns(tmp_path: Path, column: str) -> None:
    assert one(tmp_path, {"query": "Why?", column: "Because."}).reference == "Because."


@pytest.mark.parametrize("column", ["answer", "gold", "final_answer"])
def test_answer_columns(tmp_path: Path, column: str) -> None:
    assert one(tmp_path, {"query": "2 + 2?", column: 4}).answer == "4"


@pytest.mark.parametrize(
    ("extra", "content"),
    [("A long text.", "Summarise.\n\nA long text."), ("", "Summarise."), (None, "Summarise.")],
)
def test_an_instruction_goes_with_its_input(tmp_path: Path, extra: str | None, content: str) -> None:
    assert turns(one(tmp_path, {"instruction": "Summarise.", "input": extra})) == [("user", content)]


@pytest.mark.parametrize(
    ("column", "role", "text", "user", "assistant"),
    [
        ("messages", "role", "content", "user", "assistant"),
        ("conversations", "from", "value", "human", "gpt"),
    ],
)
def test_conversations_end_with_the_last_question(
    tmp_path: Path, column: str, role: str, text: str, user: str, assistant: str
) -> None:
    said = [
        ("system", "Be brief."),
        (user, "Hi"),
        (assistant, "Hello"),
        (user, "Why?"),
        (assistant, "Because."),
    ]
    query = one(tmp_path, {column: [{role: who, text: what} for who, what in said]})
    roles = ["system", "user", "assistant", "user"]
    assert turns(query) == list(zip(roles, ["Be brief.", "Hi", "Hello", "Why?"], strict=True))
    assert query.reference == "Because."


def test_preference_data_keep_prompt_and_chosen_as_messages(tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "Why?"}]
    chosen = [*prompt, {"role": "assistant", "content": "Because."}]
    query = one(tmp_path, {"prompt": prompt, "chosen": chosen})
    assert (turns(query), query.reference) == ([("user", "Why?")], "Because.")


SAID = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]
CHAT = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
BRIEF = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize("column", ["system", "system_prompt", "system_instruction"])
@pytest.mark.parametrize(
    "row", [{"conversations": SAID}, {"messages": CHAT}, {"question": "Why?", "response": "Because."}]
)
def test_a_system_text_in_a_column_of_its_own_is_part_of_what_is_asked(
    tmp_path: Path, column: str, row: dict[str, Any]
) -> None:
    query = one(tmp_path, {column: "Be brief.", **row})
    assert turns(query) == [("system", "Be brief."), ("user", "Why?")]
    assert query.reference == "Because."
    for nothing in (None, " ", float("nan")):
        assert turns(one(tmp_path, {column: nothing, **row})) == [("user", "Why?")]


def test_a_system_text_is_found_in_rows_after_the_first_and_is_not_doubled(tmp_path: Path) -> None:
    again = {"system": "Be brief. ", "messages": [BRIEF, {"role": "user", "content": "How?"}]}
    corpus = load(tmp_path, {"messages": CHAT}, again, {"system": "In verse.", "messages": [CHAT[0]]})
    asked = {tuple(turns(query)) for query in corpus.queries}
    assert asked == {
        (("user", "Why?"),),
        (("system", "Be brief."), ("user", "How?")),
        (("system", "In verse."), ("user", "Why?")),
    }
    assert len(set(corpus.ids())) == 3, "another system text asks something else"
    with pytest.raises(InputError, match="line 1 has one system text in 'system' and another in its conv"):
        load(tmp_path, {"system": "In verse.", "messages": [BRIEF, *CHAT]})


@pytest.mark.parametrize("column", ["messages", "conversations", "prompt"])
@pytest.mark.parametrize("said", [SAID, CHAT, [BRIEF, *CHAT]])
def test_a_conversation_as_json_text_is_a_conversation(
    tmp_path: Path, column: str, said: list[dict[str, str]]
) -> None:
    for written in (json.dumps(said), str(said), f" {said}\n"):
        assert one(tmp_path, {column: written}) == one(tmp_path, {column: said})
    for alone in (said[-2], json.dumps(said[-2]), str(said[-2])):
        assert turns(one(tmp_path, {"prompt": alone})) == [("user", "Why?")]


@pytest.mark.parametrize(
    "text", [f"array({CHAT}, dtype=object)", str(CHAT).replace("}, {", "}\n {"), str(CHAT)[:-9] + "}]"]
)
def test_turns_as_text_that_cannot_be_read_are_neither_asked_nor_trained_on(
    tmp_path: Path, text: str
) -> None:
    for row, column in (
        ({"prompt": text}, "prompt"),
        ({"messages": text}, "messages"),
        ({"prompt": "Why?", "response": text}, "response"),
    ):
        with pytest.raises(
            InputError, match=f"line 1 has turns written as text in '{column}' that cannot be read"
        ):
            load(tmp_path, row)
    asked = f"{text} What is wrong with this?"
    assert turns(one(tmp_path, {"prompt": asked})) == [("user", asked)]


@pytest.mark.parametrize("text", ["Why?", '["Why?"]', "[{", '{"role": 3', '[{"name": "a"}]'])
def test_other_text_in_a_column_of_conversations_is_no_question(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="line 1 has text in 'messages' that is no JSON list of turns"):
        load(tmp_path, {"messages": text})
    if text != "Why?":
        assert turns(one(tmp_path, {"prompt": text})) == [("user", text)], "a question about JSON, perhaps"


@pytest.mark.parametrize("column", ["chosen", "response", "output", "completion"])
def test_a_reference_as_turns_is_its_last_one_and_an_answer_in_json_is_text(
    tmp_path: Path, column: str
) -> None:
    for written in (CHAT, json.dumps(CHAT), str(CHAT), CHAT[1], json.dumps(CHAT[1])):
        assert one(tmp_path, {"prompt": "Why?", column: written}).reference == "Because."
        with pytest.raises(InputError, match=f"in '{column}' that does not end with the assistant's answer"):
            load(tmp_path, {"prompt": "Why?", column: CHAT[:1]})
    for text in ('{"age": 3}', '["a", "b"]', "[{'age': 3}]", "[1] see below", *ANSWERS):
        assert one(tmp_path, {"prompt": "Why?", column: text}).reference == text


ANSWERS = (
    '[{"from": "Paris", "to": "Rome"}]',
    '[{"from": "Paris", "to": "Rome", "value": 120}]',
    '{"from": "ann@example.org", "to": "bob@example.org", "content": "hi"}',
    '{"name": "Ann", "role": "admin"}',
    "{'role': 'admin'}",
    "{{1, 2}, {3}}",
    "{{}}",
    "{[1]: 2}",
    r"['\d+']",
    "a b",
)
"""Text that is no conversation, though it begins as one, or is no literal of Python, though it is its syntax."""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ANSWERS)
def test_text_that_looks_like_turns_is_a_question_like_others(tmp_path: Path, text: str) -> None:
    assert turns(one(tmp_path, {"prompt": text})) == [("user", text)]


def test_an_object_that_is_no_turn_is_no_text(tmp_path: Path) -> None:
    for value, kind in (
        ({"name": "Ann", "role": "admin"}, "dict"),
        ([{"from": "Paris", "to": "Rome"}], "list"),
    ):
        with pytest.raises(InputError, match=f"line 1 has a {kind} in 'response' where text belongs"):
            load(tmp_path, {"prompt": "Why?", "response": value})
    for said in ([*CHAT[:1], {"role": "assistant"}], {"role": "admin", "content": "x"}):
        for written in (said, json.dumps(said)):
            with pytest.raises(InputError, match="line 1 has a turn in 'response' that is not a role"):
                load(tmp_path, {"prompt": "Why?", "response": written})


@pytest.mark.parametrize("blank", ["", " \n", None, float("nan")])
def test_a_blank_reference_is_none_and_the_next_is_looked_at(tmp_path: Path, blank: object) -> None:
    assert one(tmp_path, {"messages": CHAT, "response": blank}).reference == "Because."
    assert one(tmp_path, {"prompt": "Why?", "response": blank, "output": "So."}).reference == "So."
    assert one(tmp_path, {"prompt": "Why?", "response": blank}).reference is None


def test_a_known_column_is_read_in_whichever_row_it_first_appears(tmp_path: Path) -> None:
    plain = {"instruction": "Say hello."}
    corpus = load(
        tmp_path,
        plain,
        {"instruction": "Translate", "input": "Hallo", "output": "Hello"},
        {"instruction": "Why?", "messages": [BRIEF, *CHAT]},
        {"question": "How many?", "answer": 4, "source": "mine"},
    )
    read = {turns(query)[-1][1]: query for query in corpus.queries}
    assert read["Translate\n\nHallo"].reference == "Hello"
    assert turns(read["Why?"]) == [("system", "Be brief."), ("user", "Why?")]
    assert read["Why?"].reference == "Because."
    assert read["How many?"].answer == "4"
    assert corpus.unread == ("source",)


@pytest.mark.parametrize("first", ["null", "full"])
def test_a_column_without_anything_in_a_row_is_not_read_there(tmp_path: Path, first: str) -> None:
    """Parquet and the hub give every row every column."""
    rows: list[dict[str, Any]] = [
        {"prompt": None, "question": None, "messages": CHAT, "source": "a"},
        {"prompt": "How?", "question": None, "messages": None, "source": "b"},
        {"prompt": None, "question": "When?", "messages": None, "source": "c"},
    ]
    if first == "full":
        rows.reverse()
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    corpus = load_corpus(CorpusSection(name=str(path)))
    assert {turns(query)[-1][1]: query.reference for query in corpus.queries} == {
        "Why?": "Because.",
        "How?": None,
        "When?": None,
    }
    assert corpus.unread == ("source",)


def test_a_column_is_unread_only_where_no_row_is_asked_by_it(tmp_path: Path) -> None:
    corpus = load(
        tmp_path,
        {"prompt": "Why?", "question": "Which is it?", "note": 1},
        {"prompt": float("nan"), "question": "How?", "note": 2},
        {"question": "When?", "other": 3},
    )
    assert {turns(query)[0][1] for query in corpus.queries} == {"Why?", "How?", "When?"}
    assert corpus.unread == ("note", "other")


def test_which_column_is_the_query_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"question": "How?"}, {"prompt": "Why?", "question": "Which is it?"}]
    there, back = load(tmp_path, *rows), load(tmp_path, *rows[::-1])
    assert {turns(query)[0][1] for query in there.queries} == {"How?", "Why?"}
    assert there.fingerprint == back.fingerprint


def test_what_a_query_is_about_and_what_was_said_before_are_part_of_it(tmp_path: Path) -> None:
    about = one(tmp_path, {"instruction": "Sum up.", "input": "", "context": "C"})
    assert turns(about) == [("user", "Sum up.\n\nC")]
    assert turns(one(tmp_path, {"question": "Who?", "context": "Ann did.", "answer": "Ann"})) == [
        ("user", "Who?\n\nAnn did.")
    ]
    with pytest.raises(InputError, match="has text in 'input' and in 'context'"):
        load(tmp_path, {"instruction": "Sum up.", "input": "A", "context": "B"})
    later = {"instruction": "Q2", "input": "", "output": "A2", "system": "S", "history": [["Q1", "A1"]]}
    query = one(tmp_path, later)
    assert turns(query) == [("system", "S"), ("user", "Q1"), ("assistant", "A1"), ("user", "Q2")]
    assert query.reference == "A2"
    nothings: tuple[Any, ...] = (None, [], "")
    for nothing in nothings:
        assert turns(one(tmp_path, {"prompt": "Q", "history": nothing})) == [("user", "Q")]
    with pytest.raises(InputError, match="has no list of turns in 'history'"):
        load(tmp_path, {"prompt": "Q", "history": "we met"})


LATER = [{"role": "user", "content": "And how?"}, {"role": "assistant", "content": "So."}]


@pytest.mark.parametrize(
    ("prompt", "said", "asked", "reference"),
    [
        ("Why?", CHAT, [CHAT[0]], "Because."),
        ("Why? ", [*CHAT, *LATER], [CHAT[0]], "Because."),
        ("And how?", [*CHAT, *LATER], [*CHAT, LATER[0]], "So."),
        ("Why?", [BRIEF, *CHAT], [BRIEF, CHAT[0]], "Because."),
        ("Say why", CHAT, [{"role": "user", "content": "Say why"}], "Because."),
        ("Say why", [*CHAT, *LATER], [{"role": "user", "content": "Say why"}], None),
        ("User: Why?", [BRIEF, *CHAT], [BRIEF, {"role": "user", "content": "User: Why?"}], "Because."),
        ("Why?", [CHAT[0]], [CHAT[0]], None),
    ],
)
def test_a_prompt_beside_its_conversation_has_its_answer_there(
    tmp_path: Path,
    prompt: str,
    said: list[dict[str, str]],
    asked: list[dict[str, str]],
    reference: str | None,
) -> None:
    for messages in (said, json.dumps(said)):
        query = one(tmp_path, {"prompt": prompt, "messages": messages})
        assert turns(query) == [(turn["role"], turn["content"]) for turn in asked]
        assert query.reference == reference
        assert one(tmp_path, {"prompt": prompt, "messages": said, "response": "No."}).reference == "No."


def test_columns_named_by_the_recipe_win(tmp_path: Path) -> None:
    row = {"query": "no", "task": "yes", "response": "no", "demo": "yes", "answer": "no", "truth": "yes"}
    names = {"query_column": "task", "reference_column": "demo", "answer_column": "truth"}
    query = one(tmp_path, row, **names)
    assert (turns(query), query.reference, query.answer) == ([("user", "yes")], "yes", "yes")


@pytest.mark.parametrize("option", ["query_column", "reference_column", "answer_column"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path: Path, option: str, skip: bool) -> None:
    with pytest.raises(
        InputError, match=rf"line 1 has no column 'qestion' \(corpus.{option}\): did you mean 'question'"
    ):
        load(tmp_path, {"question": "Why?"}, skip_bad_rows=skip, **{option: "qestion"})


def test_columns_of_which_none_is_known_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of its columns \(foo, bar\).*corpus\.query_column"):
        load(tmp_path, {"foo": "x", "bar": "y"})
