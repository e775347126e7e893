"""Result folders in OpenCompass' layout, made by hand, and what is read out of them."""

from pathlib import Path
from typing import Any

import pytest

from genius_bench.errors import GeniusBenchError
from genius_bench.judging.win_rate import win_rate
from genius_bench.opencompass.benchmarks import benchmark_called
from genius_bench.opencompass.data_layout import Item, Layout
from genius_bench.opencompass.relay import Answer, Journal
from genius_bench.opencompass.results import Graded, read_graded
from genius_bench.opencompass.run import Job, check_predictions
from genius_bench.opencompass.verdicts import read_verdict

from .support import prompt_of, write_json

Json = dict[str, Any]


def job_in(tmp_path: Path, task: str) -> Job:
    return Job(task, tmp_path, tmp_path / "environment")


def save_predictions(job: Job, dataset: str, texts: list[str], name: str = "greedy") -> None:
    rows = {
        str(n): {"origin_prompt": prompt_of(f"q{n}"), "prediction": text, "gold": "A"}
        for n, text in enumerate(texts)
    }
    write_json(job.output / "predictions" / name / f"{dataset}.json", rows)


def save_results(job: Job, dataset: str, value: Json, folder: str = "greedy") -> None:
    write_json(job.output / "results" / folder / f"{dataset}.json", value)


def read(job: Job, task: str, layout: Layout) -> Graded:
    journal = Journal(job.folder / "answers.jsonl")
    for number, answer in enumerate([Answer("x", "length", 7), Answer("", "", 0, "HTTP 500")]):
        journal.add("greedy", [{"role": "user", "content": f"q{number}"}], answer)
    return read_graded(job, benchmark_called(task), layout, "greedy", 0, journal)


def test_choices(tmp_path: Path) -> None:
    job = job_in(tmp_path, "mmlu")
    dataset = "lukaemon_mmlu_mathematics"
    save_predictions(job, dataset, ["ANSWER: B", "", "no idea"])
    details = {
        "type": "GEN",
        "0": {"predictions": "B", "references": "B"},
        "1": {"predictions": "", "references": "A"},
        "2": {"predictions": "", "references": "C"},
    }
    save_results(job, dataset, {"accuracy": 33.3, "details": details})
    items = [Item("a", "2 + 2?", "B"), Item("b", "3 + 3?", "A"), Item("c", "4 + 4?", "C")]
    graded = read(job, "mmlu", {dataset: items})
    assert graded.numbers == {"accuracy": 33.3}
    first, second, third = graded.rows
    assert (first["item_id"], first["correct"], first["extracted"], first["gold"]) == ("a", True, "B", "B")
    assert (first["truncated"], first["response_tokens"]) == (True, 7)
    assert (second["error"], second["error_message"], second["correct"]) == (True, "HTTP 500", False)
    assert (third["format_failure"], third["any_failure"], third["error"]) == (True, True, False)
    assert third["finish_reason"] == "unknown"


def test_wikibench_is_right_when_all_four_orders_are(tmp_path: Path) -> None:
    job, dataset = job_in(tmp_path, "wikibench"), "wikibench-wiki-single_choice_cncircular"
    orders = ["ABCD", "BCDA", "CDAB", "DABC"]
    right = ["A", "D", "C", "B"]
    references = [
        f"{item}--{letter}--{order}" for item in (0, 1) for letter, order in zip(right, orders, strict=True)
    ]
    extracted = [*right, "A", "D", "C", "A"]
    save_predictions(job, dataset, extracted)
    pairs = zip(extracted, references, strict=True)
    details = {str(n): {"predictions": one, "references": other} for n, (one, other) in enumerate(pairs)}
    save_results(job, dataset, {"acc_4": 87.5, "perf_4": 50.0, "details": details})
    rows = read(job, "wikibench", {dataset: [Item("a", "q", "A"), Item("b", "r", "A")]}).rows
    assert [(row["item_id"], row["extracted"]) for row in rows] == [
        ("a", "A / D / C / B"),
        ("b", "A / D / C / A"),
    ]
    assert rows[1]["correct"] is False
    assert rows[0]["error"] is True  # one of its answers was lost: see `read`


def test_programs(tmp_path: Path) -> None:
    job = job_in(tmp_path, "mbpp")
    save_predictions(job, "mbpp", ["", "", "code"])
    details = [
        {"programs": [[f"program {n}", "tests"]], "result": ["pass"], "is_correct": [n == 2]}
        for n in range(3)
    ]
    save_results(job, "mbpp", {"score": 33.3, "pass": 1, "details": details})
    items = [Item(name, "q", "tests") for name in "abc"]
    rows = read(job, "mbpp", {"mbpp": items}).rows
    assert [row["correct"] for row in rows] == [False, False, True]
    assert rows[2]["extracted"] == "program 2"


def judgement(text: str, first: str, second: str) -> Json:
    return {
        "origin_prompt": prompt_of("judge"),
        "prediction": text,
        "gold": {"answer1": first, "answer2": second},
    }


BASE = "gpt4-0314"


def test_one_sided_verdicts_have_a_win_rate_though_opencompass_fails_on_them(tmp_path: Path) -> None:
    """Its logistic regression needs both outcomes; what it leaves is the judge's texts, without numbers."""
    job = job_in(tmp_path, "arena_hard")
    save_predictions(job, "arenahard", ["x", "y"])
    texts = {
        "0": judgement("[[A>>B]]", "greedy", BASE),
        "1": judgement("[[A>B]]", "greedy", BASE),
        "2": judgement("[[B>A]]", BASE, "greedy"),
        "3": judgement("[[B>>A]]", BASE, "greedy"),
    }
    save_results(job, "arenahard", texts, f"{BASE}_greedy_judged-by--judge")
    graded = read(job, "arena_hard", {"arenahard": [Item("a", "q", ""), Item("b", "r", "")]})
    assert [row["correct"] for row in graded.rows] == [1.0, 1.0]
    assert graded.numbers == {}
    rate = win_rate(graded.judged, weighted=True)
    assert (rate.value, rate.n) == (1.0, 2)
    assert rate.low < 1.0


def test_clear_verdicts_count_three_times_and_places_are_undone(tmp_path: Path) -> None:
    job = job_in(tmp_path, "arena_hard")
    save_predictions(job, "arenahard", ["x"])
    texts = {"0": judgement("[[A>>B]]", BASE, "greedy"), "1": judgement("[[A>B]]", "greedy", BASE)}
    save_results(job, "arenahard", {"score": 25.0, "details": texts}, f"{BASE}_greedy_judged-by--judge")
    graded = read(job, "arena_hard", {"arenahard": [Item("a", "q", "")]})
    assert graded.rows[0]["correct"] == pytest.approx(1 / 4)
    assert graded.rows[0]["extracted"] == "A>>B / A>B"
    assert graded.numbers == {"score": 25.0}


def test_a_judge_without_a_verdict_is_counted_and_moves_nobody(tmp_path: Path) -> None:
    """OpenCompass takes such questions out of the denominator."""
    job = job_in(tmp_path, "alpaca_eval")
    save_predictions(job, "alpaca_eval", ["x", "y", "z"])
    texts = {
        "0": judgement("m", "gpt4-turbo", "greedy"),
        "1": judgement("I cannot say.", "greedy", "gpt4-turbo"),
        "2": judgement("M", "gpt4-turbo", "greedy"),
    }
    save_results(job, "alpaca_eval", {"total": 50.0, "details": texts}, "gpt4-turbo_greedy_judged-by--judge")
    rows = read(job, "alpaca_eval", {"alpaca_eval": [Item(name, "q", "") for name in "abc"]}).rows
    assert [row["correct"] for row in rows] == [0.0, 0.5, 1.0]
    assert [row["judge_failure"] for row in rows] == [False, True, False]
    assert rows[1]["judgements"] == ["I cannot say."]


def test_wildbench_is_the_mean_over_three_opponents(tmp_path: Path) -> None:
    job = job_in(tmp_path, "wildbench")
    save_predictions(job, "wildbench", ["x"])
    choices = {"llama-2-70b-chat-hf": "A++", "gpt4-turbo": "B+", "HaiKu": "A=B"}
    for name, choice in choices.items():
        texts = {"0": judgement(f'{{"choice": "{choice}"}}', "greedy", name)}
        save_results(job, "wildbench", {"average": 1.0, "details": texts}, f"{name}_greedy_judged-by--judge")
    rows = read(job, "wildbench", {"wildbench": [Item("a", "q", "")]}).rows
    assert rows[0]["correct"] == pytest.approx((1.0 + 0.25 + 0.5) / 3)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("alpaca_eval", ""),
        ("alpaca_eval", "Model m"),
        ("alpaca_eval", "model"),
        ("arena_hard", "[[C>B]]"),
        ("arena_hard", "[[A>B]] or [[B>A]]"),
        ("wildbench", '"choice": "A"'),
        ("wildbench", '<think>"choice": "A+"'),
    ],
)
def test_no_verdict(kind: str, text: str) -> None:
    assert read_verdict(kind, text) is None


@pytest.mark.parametrize(
    ("kind", "text", "verdict"),
    [
        ("alpaca_eval", "<think>M, no.</think>**m**", "m"),
        ("alpaca_eval", "_m_", "m"),
        ("alpaca_eval", "__M__ is better", "M"),
        ("arena_hard", "<think>[[A>B]]?</think> My final verdict is [[B >> A]], so [[B>>A]].", "B>>A"),
        ("wildbench", '{"choice":"B+"}', "B+"),
    ],
)
def test_thoughts_and_trifles_change_no_verdict(kind: str, text: str, verdict: str) -> None:
    found = read_verdict(kind, text)
    assert found
    assert found[0] == verdict


def test_what_is_missing_is_an_error_with_the_end_of_the_log(tmp_path: Path) -> None:
    job = job_in(tmp_path, "mmlu")
    layout = {"d": [Item("a", "q", "A"), Item("b", "r", "B")]}
    log = job.output / "logs" / "infer" / "greedy" / "d.out"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback\nRuntimeError: Calling OpenAI API failed\n", encoding="utf-8")
    with pytest.raises(
        GeniusBenchError, match=r"did not finish 'mmlu'.*no answers.*Calling OpenAI API failed"
    ):
        check_predictions(job, ["greedy"], layout, 1)
    save_predictions(job, "d", ["x"])
    with pytest.raises(GeniusBenchError, match="1 of 2 answers"):
        check_predictions(job, ["greedy"], layout, 1)
    save_predictions(job, "d", ["x", "y"])
    check_predictions(job, ["greedy"], layout, 1)
    with pytest.raises(GeniusBenchError, match="no results of greedy on d"):
        read(job, "mmlu", layout)
    save_results(job, "d", {"error": "preds and refrs have different length"})
    with pytest.raises(GeniusBenchError, match="different length"):
        read(job, "mmlu", layout)
    save_results(job, "d", {"accuracy": 0.0, "details": {"0": {"predictions": "A", "references": "A"}}})
    with pytest.raises(GeniusBenchError, match="1 results for 2 answers"):
        read(job, "mmlu", layout)
