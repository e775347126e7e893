"""What some data sets need before a prompt can speak of them: each function gives a row's further columns."""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genius_bench.evaluation.program_tests import ProgramTest

Row = dict[str, Any]


def gpqa(row: Row) -> Row:
    """The four options in an order drawn by their text: the same everywhere, and the right one anywhere."""
    columns = ("Question", "Correct Answer", *(f"Incorrect Answer {number}" for number in (1, 2, 3)))
    for column in columns:
        if row[column] is None or str(row[column]).strip() in ("", "nan"):
            raise ValueError(f"nothing stands in column '{column}'")
        if not isinstance(row[column], str | int | float):
            raise ValueError(f"column '{column}' holds a {type(row[column]).__name__}, where text belongs")
    question, right, *wrong = [str(row[column]) for column in columns]
    right, wrong = right.strip(), [option.strip() for option in wrong]
    options = sorted([right, *wrong], key=lambda option: sha256(f"{question}\n{option}".encode()).digest())
    return {"question": question.strip(), "options": options, "answer": "ABCD"[options.index(right)]}


def mbpp(row: Row) -> Row:
    """The function that the asserts call, and the asserts as `tests`."""
    from genius_bench.evaluation.graders.asserts import entry_point_of

    name = entry_point_of(row["test_list"])
    if name is None:
        raise ValueError("its tests call no function of the answer's")
    return {"tests": list(row["test_list"]), "entry_point": name, "setup": row.get("test_setup_code") or ""}


def ifeval(row: Row) -> Row:
    """Each instruction with its own arguments as one of `tests`, and the kinds of instructions as `groups`."""
    names, arguments = row["instruction_id_list"], row["kwargs"]
    if not names or len(names) != len(arguments):
        raise ValueError(f"{len(names)} instructions with {len(arguments)} sets of arguments")
    checks = [
        {"instruction": name, "arguments": {key: value for key, value in given.items() if value is not None}}
        for name, given in zip(names, arguments, strict=True)
    ]
    return {"tests": list(map(json.dumps, checks)), "groups": sorted({name.split(":")[0] for name in names})}


def wildbench(row: Row) -> Row:
    """The turns so far, without the columns that say who spoke them from where."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in row["conversation_input"]]
    return {"conversation": turns}


def arena_answer(row: Row) -> Row:
    """The baseline's answer, from the flat or the nested form in which it is published."""
    if "answer" in row:
        return {}
    if "messages" in row:
        content = row["messages"][-1]["content"]
        key = {"uid": row["uid"]}
    else:
        content = row["choices"][0]["turns"][0]["content"]
        key = {"uid": row["question_id"]}
    return {**key, "answer": content["answer"] if isinstance(content, dict) else content}


def livecodebench(row: Row) -> "tuple[str | None, list[ProgramTest]]":
    """The function that a problem's tests call (None: its programs read standard input), and the tests."""
    from genius_bench.evaluation.program_tests import function_name, read_tests

    return function_name(row), read_tests(row)
