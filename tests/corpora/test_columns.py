"""Columns are recognised in the shapes that data sets come in, or named by the recipe."""

import json
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("column", ["reference", "response", "output", "chosen"])
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


@pytest.mark.parametrize("column", ["system", "system_prompt"])
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
    assert one(tmp_path, {column: json.dumps(said)}) == one(tmp_path, {column: said})


@pytest.mark.parametrize("text", ["Why?", str(CHAT), '{"role": "user", "content": "Why?"}', '["Why?"]', "[{"])
def test_other_text_in_a_column_of_conversations_is_no_question(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="line 1 has text in 'messages' that is no JSON list of turns"):
        load(tmp_path, {"messages": text})
    if text != "Why?":
        assert turns(one(tmp_path, {"prompt": text})) == [("user", text)], "a question about JSON, perhaps"


def test_chosen_as_json_text_is_its_last_turn_and_an_answer_in_json_is_text(tmp_path: Path) -> None:
    text = json.dumps(CHAT)
    assert one(tmp_path, {"prompt": "Why?", "chosen": text}).reference == "Because."
    assert one(tmp_path, {"prompt": "Why?", "response": text}).reference == text


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
