import csv
import json
from pathlib import Path

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation.cards import task_card
from genius_bench.opencompass.baselines import load_baselines
from genius_bench.opencompass.benchmarks import BENCHMARKS, benchmark_called
from genius_bench.opencompass.data_layout import MBPP_FIRST_ITEM, lay_out

from .support import mmlu_rows


def test_mmlu_is_one_file_a_subject_and_knows_its_items(tmp_path: Path) -> None:
    layout = lay_out(benchmark_called("mmlu"), mmlu_rows(), ["a", "b", "c"], {}, tmp_path)
    assert {name: [item.id for item in items] for name, items in layout.items()} == {
        "lukaemon_mmlu_abstract_algebra": ["a", "c"],
        "lukaemon_mmlu_anatomy": ["b"],
    }
    assert [item.gold for item in layout["lukaemon_mmlu_abstract_algebra"]] == ["B", "A"]
    with (tmp_path / "data/mmlu/test/anatomy_test.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [['Say "a, b".', "x", "y", "z", "w", "D"]]
    assert (tmp_path / "data/mmlu/dev/abstract_algebra_dev.csv").exists()


def test_mbpp_items_come_after_ten_rows_for_training(tmp_path: Path) -> None:
    rows = [{"text": f"task {n}", "code": "", "test_list": [f"assert f() == {n}"]} for n in range(2)]
    layout = lay_out(benchmark_called("mbpp"), rows, ["0", "1"], {}, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "data/mbpp/mbpp.jsonl").read_text().splitlines()]
    assert [line["text"] for line in lines[MBPP_FIRST_ITEM:]] == ["task 0", "task 1"]
    assert [item.gold for item in layout["mbpp"]] == ["assert f() == 0", "assert f() == 1"]


def test_a_baseline_stands_beside_the_questions_in_their_order(tmp_path: Path) -> None:
    rows = [{"instruction": "q1"}, {"instruction": "q2"}]
    baselines = {"gpt4-turbo": {"q2": "two", "q1": "one"}}
    lay_out(benchmark_called("alpaca_eval"), rows, ["a", "b"], baselines, tmp_path)
    folder = tmp_path / "data/subjective/alpaca_eval"
    assert [row["question"] for row in json.loads((folder / "alpaca_eval.json").read_text())] == ["q1", "q2"]
    answers = json.loads((folder / "gpt4-turbo/alpaca_eval.json").read_text())
    assert answers == {"0": {"prediction": "one"}, "1": {"prediction": "two"}}


def test_an_item_without_a_baseline_answer_is_named(tmp_path: Path) -> None:
    rows = [{"question_id": "x1", "turns": [{"content": "q"}]}]
    with pytest.raises(InputError, match=r"arena_hard.*1 of 1 items.*x1"):
        lay_out(benchmark_called("arena_hard"), rows, ["a"], {"gpt4-0314": {"other": ""}}, tmp_path)
    with pytest.raises(InputError, match="compares with gpt4-0314"):
        lay_out(benchmark_called("arena_hard"), rows, ["a"], {}, tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mmlu_pro.*'question_id'"):
        lay_out(benchmark_called("mmlu_pro"), [{"question": "q"}], ["a"], {}, tmp_path)


def test_wildbench_names_the_file_with_answers_that_is_missing(tmp_path: Path) -> None:
    card = task_card("wildbench")
    with pytest.raises(InputError, match=r"llama-2-70b-chat-hf\.jsonl is missing"):
        load_baselines(card, benchmark_called("wildbench"), str(tmp_path))
    place = tmp_path / "wildbench"
    place.mkdir()
    for name in BENCHMARKS["wildbench"].baselines:
        (place / f"{name}.jsonl").write_text('{"session_id": "s", "output": "answer"}\n')
    baselines = load_baselines(card, benchmark_called("wildbench"), str(tmp_path))
    row = {
        "session_id": "s",
        "conversation_input": [{"role": "user", "content": "q", "extra": 1}],
        "checklist": ["is short"],
        "primary_tag": "Math",
        "secondary_tags": [],
    }
    layout = lay_out(benchmark_called("wildbench"), [row], ["a"], baselines, tmp_path / "out")
    assert layout["wildbench"][0].question == "q"
    folder = tmp_path / "out/data/subjective/WildBench"
    assert {path.parent.name for path in folder.glob("*/wildbench.json")} == {"llama2-70b", "gpt4", "claude"}


def test_laying_out_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    benchmark, rows = benchmark_called("mmlu"), mmlu_rows()
    lay_out(benchmark, rows, ["a", "b", "c"], {}, tmp_path)
    lay_out(benchmark, rows[:1], ["a"], {}, tmp_path)
    assert not (tmp_path / "data/mmlu/test/anatomy_test.csv").exists()
