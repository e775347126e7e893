"""The lab's public data: counts, determinism and splits that never overlap."""

from itertools import islice

import pytest

from genius_bench.lab.documents import stream
from genius_bench.lab.items import FAMILIES, evaluation_items, training_queries
from genius_bench.lab.problem import split_of, with_options


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("split", "count"), [("evaluation", 400), ("tuning", 400)])
def test_there_are_enough_distinct_items_of_the_right_split(family: str, split: str, count: int) -> None:
    items = evaluation_items(family, split, count)
    assert len({item["question"] for item in items}) == len({item["id"] for item in items}) == count
    assert {split_of(item["question"]) for item in items} == {split}


@pytest.mark.parametrize("family", FAMILIES)
def test_items_are_deterministic_and_prefix_stable(family: str) -> None:
    assert evaluation_items(family, count=30)[:10] == evaluation_items(family, count=10)


@pytest.mark.parametrize("family", FAMILIES)
def test_items_carry_what_their_family_needs(family: str) -> None:
    for item in evaluation_items(family, count=20):
        assert {"id", "question", "answer"} <= item.keys()
        if family in ("lab_deduction", "lab_facts"):
            assert len(set(item["options"])) == 4
            assert item["answer"] in "ABCD"
            assert item["question"].endswith(with_options("", item["options"]))
        if family == "lab_functions":
            assert item["entry_point"] == "f"
            assert len(item["tests"]) >= 3
            assert item["tests"][0] in item["question"]
        if family == "lab_olympiad":
            assert 0 <= int(item["answer"]) <= 999
        if family == "lab_comparison":
            assert item["answer"] in ("Yes", "No")


def test_training_queries_mix_all_families_and_instructions() -> None:
    rows = training_queries(2000)
    assert len({row["question"] for row in rows}) == 2000
    shares = {
        source: sum(row["source"] == source for row in rows) / 2000 for source in (*FAMILIES, "instructions")
    }
    assert 0.07 < shares.pop("instructions") < 0.13
    assert all(0.09 < share < 0.17 for share in shares.values())
    assert all(row.keys() == {"id", "question", "answer", "reference", "source"} for row in rows)
    assert training_queries(50, seed=3) == training_queries(60, seed=3)[:50]
    assert training_queries(50, seed=3) != training_queries(50, seed=4)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_two_thousand_training_queries(family: str) -> None:
    assert len({item["question"] for item in evaluation_items(family, "training", 2000)}) == 2000


def test_the_corpora_never_overlap() -> None:
    pretraining = {document.question for document in islice(stream(1), 5000)}
    training = {row["question"] for row in training_queries(1500)}
    evaluation = {item["question"] for family in FAMILIES for item in evaluation_items(family, count=200)}
    tuning = {item["question"] for family in FAMILIES for item in evaluation_items(family, "tuning", 100)}
    corpora = (pretraining, training, evaluation, tuning)
    assert len(set.union(*corpora)) == sum(map(len, corpora))
    assert {split_of(question) for question in pretraining} == {"pretraining"}
    assert {split_of(question) for question in training} == {"training"}
    prompts = "\n".join(document.prompt for document in islice(stream(1), 5000))
    assert not [question for question in evaluation if len(question) > 60 and question in prompts]
