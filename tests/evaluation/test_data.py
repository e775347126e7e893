"""Items from local folders: formats, order, examples, and what is said when they are not as expected."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation.bridge import Prompt, gold_text, prompts_of
from genius_bench.evaluation.cards import TaskCard, task_card
from genius_bench.evaluation.data import Items, fingerprint, load_items, question_digest

ROWS: list[dict[str, Any]] = [
    {"question": "What is 1 + 1?", "answer": "1 + 1 = <<1+1=2>>2\n#### 2"},
    {"question": "What is 2 + 2?", "answer": "2 + 2 = 4\n#### 4"},
    {"question": "What is 2 + 2?", "answer": "Two twos.\n#### 4"},
]


def card_with(**facts: Any) -> TaskCard:
    card = task_card("gsm8k")
    return card.model_copy(update={"facts": card.facts.model_copy(update=facts)})


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    path = folder / "gsm8k" / name
    path.parent.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(lines.encode()))
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text(lines)
    return str(folder)


@pytest.mark.parametrize("name", ["test.jsonl", "test.jsonl.gz", "test.parquet"])
def test_formats(tmp_path: Path, name: str) -> None:
    items = load_items(card_with(expected_items=3, fingerprint=None), write(tmp_path, name, ROWS))
    assert items.rows == ROWS
    assert not items.changed
    assert len(set(items.ids)) == 3


def test_order_changes_neither_ids_nor_fingerprint(tmp_path: Path) -> None:
    card = card_with(expected_items=2, fingerprint=None)
    items = load_items(card, write(tmp_path, "test.jsonl", ROWS[:2]))
    (tmp_path / "other").mkdir()
    turned = load_items(card, write(tmp_path / "other", "test.jsonl", ROWS[1::-1]))
    assert turned.fingerprint == items.fingerprint
    assert turned.ids == items.ids[::-1]


def test_changed_items_are_noticed(tmp_path: Path) -> None:
    folder = write(tmp_path, "test.jsonl", ROWS)
    expected = fingerprint(task_card("gsm8k"), ROWS)
    assert not load_items(card_with(expected_items=3, fingerprint=expected), folder).changed
    assert load_items(card_with(expected_items=4, fingerprint=expected), folder).changed
    assert load_items(card_with(expected_items=3, fingerprint="0" * 64), folder).changed


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gsm8k/test\.jsonl \(or \.jsonl\.gz, \.parquet\) is missing"):
        load_items(card_with(), str(tmp_path))
    folder = write(tmp_path, "test.jsonl", [ROWS[0], {"question": "?", "answr": "1"}])
    with pytest.raises(InputError, match=r"row 2 has no column 'answer' \(columns: question, answr\)"):
        load_items(card_with(), folder)
    Path(folder, "gsm8k", "test.jsonl").write_text('{"question": 1}\n{broken\n')
    with pytest.raises(InputError, match=r"test\.jsonl line 2 is not valid JSON"):
        load_items(card_with(), folder)
    Path(folder, "gsm8k", "test.jsonl").unlink()
    Path(folder, "gsm8k", "test.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="is not a Parquet file"):
        load_items(card_with(), folder)


def test_a_split_in_two_files_is_refused_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path, "test.jsonl", ROWS)
    write(tmp_path, "test.jsonl.gz", ROWS[:1])
    with pytest.raises(
        InputError, match=r"holds test\.jsonl and test\.jsonl\.gz: leave the one that is meant"
    ):
        load_items(card_with(), folder)
    Path(folder, "gsm8k", "test.jsonl").unlink()
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    Path(folder, "gsm8k", "test.jsonl.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + lines.encode()))
    assert load_items(card_with(), folder).rows == ROWS


def test_without_folder_and_hub_the_way_out_is_named() -> None:
    with pytest.raises(InputError, match=r"openai/gsm8k is not on this machine.*--data"):
        load_items(task_card("gsm8k"))


def asked(card: TaskCard, items: Items) -> list[Prompt]:
    return prompts_of(card, items, repeats=range(2), limit=None)


def test_solved_examples_come_from_the_train_split(tmp_path: Path) -> None:
    train = [
        {"question": f"What is {n} + 0?", "answer": f"{n} + 0 = <<{n}+0={n}>>{n}\n#### {n}"} for n in range(9)
    ]
    named = tuple(question_digest(train[n]["question"]) for n in (3, 1, 4, 7))
    card = card_with(examples=named)
    folder = write(tmp_path, "test.jsonl", ROWS)
    assert load_items(card, folder).examples == []
    write(tmp_path, "train.jsonl.gz", train)
    prompts = asked(card, load_items(card, folder))
    assert [(prompt.index, prompt.repeat) for prompt in prompts[:3]] == [(0, 0), (0, 1), (1, 0)]
    turns = prompts[0].messages
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 4 + ["user"]
    assert turns[1]["content"] == "3 + 0 = 3\nThe answer is \\boxed{3}."
    assert turns[0]["content"].startswith("What is 3 + 0?\n\nReason step by step")
    assert turns[8]["content"].startswith("What is 1 + 1?")
    with pytest.raises(InputError, match="1 of its 4 solved examples are not in"):
        load_items(card_with(examples=(*named[:3], "0" * 16)), folder)


def test_gold_that_looks_like_a_list_stays_text() -> None:
    card = task_card("math500")
    assert gold_text(card, {"problem": "?", "answer": "[2, 3]"}) == "[2, 3]"


def test_option_prompts_show_the_labels_of_the_item() -> None:
    row = {
        "id": "a",
        "question": "Which?",
        "choices": {"label": ["1", "2"], "text": ["red", "blue"]},
        "answerKey": "2",
    }
    items = Items(rows=[row], ids=["a"], examples=[], fingerprint="", changed=False)
    [first, _] = asked(task_card("arc_challenge"), items)
    assert first.messages[0]["content"].startswith("Which?\n1. red\n2. blue\n\nReason step by step")
