"""A row that cannot be asked or graded is named before anything is generated: task, row and column, in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from lm_eval.utils import apply_template

from genius_bench.artifacts import Artifact
from genius_bench.errors import InputError
from genius_bench.evaluation import stage
from genius_bench.evaluation.cards import available_tasks, task_card
from genius_bench.evaluation.data import load_baseline, load_items, question_digest
from genius_bench.evaluation.row_checks import _compiled
from genius_bench.rows import Score

NAN = float("nan")
GOOD: dict[str, dict[str, Any]] = {
    "mmlu": {"question": "Which?", "subject": "s", "choices": ["w", "x", "y", "z"], "answer": 2},
    "mmlu_pro": {"question_id": 1, "question": "Which?", "options": ["w", "x"], "answer": "B"},
    "arc_challenge": {
        "id": "a", "question": "Which?", "choices": {"label": ["1", "2"], "text": ["x", "y"]}, "answerKey": "2"
    },
    "logiqa": {"context": "All.", "question": "Which?", "options": ["w", "x", "y", "z"], "label": "d"},
    "reclor": {"context": "All.", "question": "Which?", "answers": ["w", "x", "y", "z"], "label": 3},
    "gsm8k": {"question": "How many?", "answer": "So.\n#### -1,000"},
    "aime24": {"Problem": "How many?", "Answer": "025"},
    "math": {"problem": "What?", "solution": "So $\\boxed{x}$."},
    "math500": {"problem": "What?", "answer": "[2, 3]"},
    "strategyqa": {"question": "Is it?", "answer": False},
    "lab_comparison": {"question": "Is it?", "answer": "No"},
    "mbpp": {"text": "Add.", "code": "c", "test_list": ["assert f(1) == 2"], "test_setup_code": ""},
    "gpqa": {
        "Question": "Which?", "Correct Answer": "r",
        **{f"Incorrect Answer {number}": f"w{number}" for number in (1, 2, 3)},
    },
    "livecodebench": {
        "question_content": "Do.", "starter_code": "", "public_test_cases": "[]", "private_test_cases": ""
    },
    "alpaca_eval": {"instruction": "Write."},
    "arena_hard": {"question_id": "a", "turns": [{"content": "Write."}]},
    "wildbench": {
        "session_id": "a", "conversation_input": [{"role": "user", "content": "Hi"}], "checklist": []
    },
}  # fmt: skip


def load(folder: Path, task: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    card = task_card(task)
    card = card.model_copy(update={"facts": card.facts.model_copy(update={"items": None})})
    path = folder / (card.facts.folder or task) / f"{card.split}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_items(card, str(folder)).rows


@pytest.mark.parametrize("task", GOOD)
def test_what_the_data_sets_hold_passes_untouched(tmp_path: Path, task: str) -> None:
    [row] = load(tmp_path, task, GOOD[task])
    assert {column: row[column] for column in GOOD[task]} == GOOD[task]


def test_answers_in_other_forms_that_say_the_same_pass(tmp_path: Path) -> None:
    for answer in ("2", 2.0):
        load(tmp_path, "mmlu", GOOD["mmlu"] | {"answer": answer})
    for answer in (True, 1, "Yes", "true"):
        load(tmp_path, "strategyqa", GOOD["strategyqa"] | {"answer": answer})


BAD: list[tuple[str, str, Any, str]] = [
    *(("mmlu", "answer", cell, "column 'answer' is " + said) for cell, said in (
        ("B", "'B'"), (None, "null"), (NAN, "nan"), (-1, "-1"), (7, "7"), ("", "empty"), (1.5, "1.5"),
        ([1], "a list, [1]"), (True, "a bool, True"),
    )),
    ("mmlu", "choices", "w, x, y, z", "column 'choices' is 'w, x, y, z', where a list of options belongs"),
    ("mmlu", "choices", None, "column 'choices' is null"),
    ("mmlu", "choices", [], "column 'choices' is a list, []"),
    ("mmlu", "choices", ["w", None, "y", "z"], "column 'choices' has an option that is null"),
    ("mmlu", "choices", ["w", " ", "y", "z"], "column 'choices' has an option that is empty"),
    ("mmlu", "choices", ["w", "x"], "the answer is 'C' (column 'answer'), the options are A, B"),
    ("mmlu", "subject", None, "column 'subject' is null"),
    ("mmlu_pro", "answer", "C", "the answer is 'C' (column 'answer'), the options are A, B"),
    ("mmlu_pro", "answer", 1, "the answer is '1' (column 'answer'), the options are A, B"),
    ("mmlu_pro", "options", [f"{n}" for n in range(12)], "the question cannot be made"),
    ("arc_challenge", "answerKey", "B", "the answer is 'B' (column 'answerKey'), the options are 1, 2"),
    ("arc_challenge", "answerKey", None, "the answer is not there: column 'answerKey' is null"),
    ("arc_challenge", "choices", {"label": ["1"], "text": ["x", "y"]}, "column 'choices' is a dict"),
    ("arc_challenge", "choices", {"label": ["2", "2"], "text": ["x", "y"]}, "two options called the same (2, 2)"),
    ("logiqa", "label", None, "column 'label' is null"),
    ("logiqa", "context", NAN, "column 'context' is nan"),
    ("reclor", "label", -1, "column 'label' is -1"),
    *(("gsm8k", "question", cell, "column 'question' is " + said) for cell, said in (
        (None, "null"), (["How?"], "a list, ['How?']"), (NAN, "nan"), (" ", "empty"), ({"a": 1}, "a dict"),
    )),
    *(("gsm8k", "question", cell, "column 'question' is " + said) for cell, said in (
        ("None", "'None', the text of a null"), (" nan", "' nan', the text of a null"), ("\u200b \ufeff", "empty"),
    )),
    ("mmlu", "choices", ["w", "\u200b", "y", "z"], "column 'choices' has an option that is empty"),
    ("gsm8k", "answer", None, "column 'answer' is null"),
    ("gsm8k", "answer", "#### ?", "column 'answer'), where a number belongs"),
    ("aime24", "Answer", "unknown", "the answer is 'unknown' (column 'Answer'), where a number belongs"),
    *(("aime24", "Answer", cell, f"the answer is '{cell}' (column 'Answer'), where a whole number from 0 belongs")
      for cell in (-1, "25.5", "1/2")),
    *(("math", "solution", cell, "column 'solution' has no closed \\boxed{…}") for cell in (
        "So 5.", "So $\\boxed{x$.",
    )),
    *(("math500", "answer", cell, f"the answer is '{cell}' (column 'answer'), the text of a null")
      for cell in ("None", "nan", "null", "N/A")),
    ("math500", "answer", "\\boxed{3", "column 'answer' has no closed"),
    *(("strategyqa", "answer", cell, "the answer is read as") for cell in (["No"], [], {"a": 1}, 2, 0.5)),
    ("gpqa", "Correct Answer", ["r"], "column 'Correct Answer' holds a list, where text belongs"),
    ("gpqa", "Incorrect Answer 2", {"a": 1}, "column 'Incorrect Answer 2' holds a dict, where text belongs"),
    ("wildbench", "conversation_input", [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}],
     "'conversation' ends with a turn that is not the user's"),
    ("aime24", "Answer", NAN, "column 'Answer' is nan"),
    ("math", "solution", "So $\\boxed{}$.", "the answer is empty (column 'solution')"),
    ("math", "solution", " ", "the answer is empty (column 'solution')"),
    ("math500", "answer", ["2", "3"], "column 'answer' is a list"),
    *(("strategyqa", "answer", cell, said) for cell, said in (
        (None, "column 'answer' is null"), (NAN, "column 'answer' is nan"), (-1, "column 'answer' is -1"),
        ("No", "the answer is read as Yes, but column 'answer' is 'No'"), ("maybe", "is 'maybe'"),
    )),
    ("lab_comparison", "answer", "Maybe", "the answer is read as Maybe, but column 'answer' is 'Maybe'"),
    ("mbpp", "test_list", None, "row 2 of split 'test' cannot be read"),
    ("mbpp", "test_list", ["assert f(1)", 3], "row 2 of split 'test' cannot be read"),
    ("mbpp", "test_list", ["assert True"], "row 2 of split 'test' cannot be read: its tests call no function"),
    ("mbpp", "text", None, "column 'text' is null"),
    ("gpqa", "Correct Answer", None, "nothing stands in column 'Correct Answer'"),
    ("gpqa", "Incorrect Answer 3", NAN, "nothing stands in column 'Incorrect Answer 3'"),
    ("livecodebench", "starter_code", ["class"], "column 'starter_code' is a list"),
    ("alpaca_eval", "instruction", None, "column 'instruction' is null"),
    ("arena_hard", "question_id", None, "column 'question_id' is null"),
    ("arena_hard", "turns", [{"content": None}], "column 'turns' is a list"),
    ("wildbench", "conversation_input", [{"role": "user", "content": None}], "'conversation' has a turn without"),
    ("wildbench", "conversation_input", [], "'conversation' has a turn without"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "column", "cell", "said"), BAD)
def test_a_bad_row_is_named(tmp_path: Path, task: str, column: str, cell: Any, said: str) -> None:
    good = GOOD[task]
    with pytest.raises(InputError) as caught:
        load(tmp_path, task, good, good | {column: cell})
    message = str(caught.value)
    assert message.startswith(f"task '{task}': row 2 of split '{task_card(task).split}'")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"question": "a\\ud800", "answer": "#### 5"}',
            "row 1: column 'question' holds half a surrogate pair",
        ),
        (
            '{"question": "a", "answer": [{"b\\udfff": ["c"]}]}',
            "row 1: column 'answer' holds half a surrogate",
        ),
        (
            '{"question": "q", "answer": ' + "[" * 100_000 + "]" * 100_000 + "}",
            "not valid JSON: nested too deeply",
        ),
        (
            '{"question": "q", "answer": ' + "[" * 300 + "]" * 300 + "}",
            "row 1: column 'answer' is nested too deeply",
        ),
        ('{"question": "q", "answer": ' + "1" * 5000 + "}", "line 1 is not valid JSON: Exceeds the limit"),
    ],
)
def test_a_line_that_cannot_be_worked_with_is_one_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").write_text(line)
    with pytest.raises(InputError) as caught:
        load_items(task_card("gsm8k"), str(tmp_path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_solved_examples_are_checked_too(tmp_path: Path) -> None:
    rows = [GOOD["gsm8k"] | {"question": f"How many, {number}?"} for number in range(4)]
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "train.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [*rows[:3], rows[3] | {"answer": None}])
    )
    facts = task_card("gsm8k").facts.model_copy(update={"examples": ()})
    card = task_card("gsm8k").model_copy(update={"facts": facts})
    (tmp_path / "gsm8k" / "test.jsonl").write_text(json.dumps(GOOD["gsm8k"]))
    with pytest.raises(InputError, match="row 4 of split 'train': the answer is not there"):
        load_items(card, str(tmp_path))
    named = tuple(question_digest(rows[position]["question"]) for position in (3, 1, 0, 2))
    card = card.model_copy(update={"facts": facts.model_copy(update={"examples": named})})
    with pytest.raises(InputError, match="row 4 of split 'train': the answer is not there"):
        load_items(card, str(tmp_path))


def test_a_baseline_without_an_answer_is_named(tmp_path: Path) -> None:
    (tmp_path / "alpaca_eval").mkdir()
    file = tmp_path / "alpaca_eval" / "eval_gpt4_baseline.jsonl"
    file.write_text('{"instruction": "a", "output": ""}\n{"instruction": "b", "output": null}\n')
    with pytest.raises(InputError, match="row 2 of split 'eval_gpt4_baseline' has no text in 'output'"):
        load_baseline(task_card("alpaca_eval"), str(tmp_path))


@pytest.mark.parametrize("task", GOOD)
def test_rows_are_checked_as_lm_eval_renders_them(tmp_path: Path, task: str) -> None:
    card = task_card(task)
    [row] = load(tmp_path, task, GOOD[task])
    for protocol in ("strict", "released"):
        config = card.under(protocol).config
        for template in (config["doc_to_text"], config["doc_to_target"]):
            assert _compiled(template).render(**row) == apply_template(template, row)
    assert set(GOOD) <= {one.name for one in available_tasks()}


def test_items_that_nothing_can_be_held_against_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warned(task: str, **facts: Any) -> str:
        card = task_card(task)
        card = card.model_copy(update={"facts": card.facts.model_copy(update=facts)})
        details = {"dataset": "as expected", "shots": card.shots}
        score = Score(task=task, metric="m", value=1.0, low=0.0, high=2.0, n=1, details=details)
        monkeypatch.setattr(stage, "read_scores", lambda artifact: [score])
        stage.warn(card, Artifact("scores", "key", Path(), reused=True))
        return capsys.readouterr().err

    assert warned("gsm8k") == warned("lab_words") == ""
    told = "which items these should be is not known to the task: "
    assert warned("gpqa") == f"gpqa: {told}only their number was checked\n"
    assert (
        warned("gsm8k", fingerprint=None, expected_items=None)
        == f"gsm8k: {told}they were taken as they are\n"
    )
