"""The lab's public data: counts, determinism and splits that never overlap."""

import re
from collections import Counter
from itertools import islice
from random import Random

import pytest

from genius_bench.lab.documents import draw, stream
from genius_bench.lab.items import FAMILIES, evaluation_items, training_queries
from genius_bench.lab.problem import LEVELS, with_options
from genius_bench.lab.world import GOODS, NAMES


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("split", "count"), [("evaluation", 400), ("tuning", 400)])
def test_there_are_enough_distinct_items_of_the_right_split(family: str, split: str, count: int) -> None:
    items = evaluation_items(family, split, count)
    assert len({item["question"] for item in items}) == len({item["id"] for item in items}) == count
    assert Counter(item["level"] for item in items) == dict.fromkeys(LEVELS, count / 5)


@pytest.mark.parametrize("family", FAMILIES)
def test_items_are_deterministic_and_prefix_stable(family: str) -> None:
    assert evaluation_items(family, count=30)[:10] == evaluation_items(family, count=10)


@pytest.mark.parametrize("family", FAMILIES)
def test_items_carry_what_their_family_needs(family: str) -> None:
    for item in evaluation_items(family, count=20):
        assert {"id", "question", "answer"} <= item.keys()
        kind = f"{item['prior']}{', telling' if item['tells'] else ''}"
        assert item["slices"] == [f"level {item['level']}", kind]
        if family in ("lab_deduction", "lab_facts"):
            assert len(set(item["options"])) == 4
            assert item["answer"] in "ABCD"
            assert item["question"].endswith(with_options("", item["options"]))
        if family == "lab_functions":
            assert item["entry_point"] == "f"
            assert len(item["tests"]) >= 3
            assert item["tests"][0] in item["question"]
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


def without_names(question: str) -> str:
    """What is left of a question where it does not matter whose it is, of what, and how it is worded."""
    for words in (NAMES, GOODS):
        question = re.sub(rf"\b({'|'.join(words)})\b", "_", question)
    return re.sub(
        r"^_ (says|asks): |How many _ does _ have now\?|_ asks how many _ _ has now\.", "", question
    )


def test_the_corpora_never_overlap() -> None:
    """Nor do they but for names and wording: no evaluation item is decided by having been seen."""
    pretraining = {document.question for document in islice(stream(1), 5000)}
    training = {row["question"] for row in training_queries(1500)}
    evaluation = {item["question"] for family in FAMILIES for item in evaluation_items(family, count=200)}
    tuning = {item["question"] for family in FAMILIES for item in evaluation_items(family, "tuning", 100)}
    corpora = (pretraining, training, evaluation, tuning)
    assert len(set.union(*corpora)) == sum(map(len, corpora))
    bare = [{without_names(question) for question in corpus} for corpus in (pretraining, evaluation)]
    assert not bare[0] & bare[1]
    prompts = "\n".join(document.prompt for document in islice(stream(1), 5000))
    assert not [question for question in evaluation if len(question) > 60 and question in prompts]


def test_training_covers_all_levels_and_contexts() -> None:
    rng = Random(0)
    for family in FAMILIES:
        asked = [draw(family, rng, split) for split in ("training", "evaluation") for _ in range(1500)]
        kinds = [(one.level, one.prior, bool(one.reading and one.reading.tells)) for one in asked]
        assert set(kinds[1500:]) == set(kinds[:1500])
        assert {level for level, *_ in kinds} == set(LEVELS)


def test_there_are_aligned_misaligned_and_mixed_families() -> None:
    priors = {
        family: {item["prior"] for item in evaluation_items(family, count=100)} - {"plain"}
        for family in FAMILIES
    }
    kinds = Counter(tuple(sorted(found)) for found in priors.values())
    assert kinds == {("aligned",): 3, ("misaligned",): 2, ("aligned", "misaligned"): 2}
