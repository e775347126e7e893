"""Shared word sequences: the rule, against a brute-force count, and as a gate before a training."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from genius_bench.cli import main
from genius_bench.contamination.embedding import embed
from genius_bench.contamination.overlap import find_overlap
from genius_bench.contamination.similarity import mean_cosine, mean_cosine_within
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items, question_of

QUESTION = "A farmer has 12 sheep and buys 30 more at the market; how many sheep does he have now in all?"


def overlap(query: str, item: str) -> tuple[int, int, int]:
    """Items met, inside, and too short to say."""
    [task] = find_overlap([("q", query)], {"t": [("i", item)]}).tasks
    return task.items_met, task.items_inside, task.too_short


def test_a_question_inside_a_query_is_found_whatever_its_dress() -> None:
    assert overlap(f"Please solve: {QUESTION} Thank you!", QUESTION) == (1, 1, 0)
    assert overlap(QUESTION.upper().replace(";", " --"), QUESTION) == (1, 1, 0)


def test_thirteen_words_in_a_row_meet_and_twelve_do_not() -> None:
    words = QUESTION.split()
    assert overlap(" ".join(words[2:15]), QUESTION) == (1, 0, 0)
    assert overlap(" ".join(words[2:14]), QUESTION) == (0, 0, 0)
    assert overlap(" ".join([*words[:10], "strictly", *words[10:]]), QUESTION)[1] == 0


def test_short_questions_count_whole_or_not_at_all() -> None:
    assert overlap("Tell me, what is two plus three now?", "what is two plus three now") == (1, 1, 0)
    assert overlap("what is two plus three", "What is 2 + 3?") == (0, 0, 1)
    assert overlap("what is 2 3", "What is 2 + 3?") == (0, 0, 1)  # four words meet by chance


@given(st.integers(0, 10_000))
def test_it_agrees_with_brute_force(seed: int) -> None:
    draw = random.Random(seed)

    def text(longest: int) -> list[str]:  # few different words, so that they meet often
        return [draw.choice("ab") for _ in range(draw.randint(1, longest))]

    queries = [(f"q{number}", text(40)) for number in range(6)]
    items = [(f"i{number}", text(20)) for number in range(8)]

    def runs(words: list[str], length: int) -> set[tuple[str, ...]]:
        return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}

    met = inside = short = 0
    meeting = set()
    for _, item in items:
        if len(item) < 6:
            short += 1
            continue
        length = min(13, len(item))
        shares = [
            len(runs(item, length) & runs(query, length)) / len(runs(item, length)) for _, query in queries
        ]
        meeting |= {number for number, share in enumerate(shares) if share}
        met += max(shares) > 0
        inside += max(shares) == 1
    found = find_overlap(
        [(name, " ".join(words)) for name, words in queries],
        {"t": [(name, " ".join(words)) for name, words in items]},
    )
    [task] = found.tasks
    assert (task.items_met, task.items_inside, task.too_short) == (met, inside, short)
    assert found.queries_meeting == len(meeting)


def test_mean_cosines_are_those_of_all_pairs() -> None:
    texts = [
        "the cat sat",
        "a dog barks at the cat",
        "prime numbers",
        "the sum of two primes",
        "dogs and cats",
    ]
    vectors = embed({"a": texts[:2], "b": texts[2:]})
    pairs = cosine_similarity(np.concatenate([vectors["a"], vectors["b"]]))
    assert mean_cosine(vectors["a"], vectors["b"]) == pytest.approx(pairs[:2, 2:].mean(), abs=1e-6)
    within = pairs[2:, 2:][~np.eye(3, dtype=bool)].mean()
    assert mean_cosine_within(vectors["b"]) == pytest.approx(within, abs=1e-6)


SCORED_NOW_OR_LATER: tuple[list[str], ...] = ([], ["--no-eval"])


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """Three queries, one of which holds a question of the lab's own evaluation."""
    card = task_card("lab_words")
    question = question_of(card, load_items(card, None, None).rows[4])
    queries = ["Write a poem about autumn.", f"Homework, please help: {question}", "Name three rivers."]
    path = tmp_path / "queries.jsonl"
    path.write_text("".join(json.dumps({"query": query}) + "\n" for query in queries))
    return path


@pytest.mark.parametrize("scored", SCORED_NOW_OR_LATER)
def test_a_leaky_corpus_is_refused_before_anything_is_sampled(
    leaky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scored: list[str]
) -> None:
    arguments = ["train", "--corpus", str(leaky), "--suite", "lab_words", "--home", str(tmp_path / "home")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *scored, "--set", "corpus.overlap=refuse"])
    assert ended.value.code == 2
    [line] = [one for one in capsys.readouterr().err.splitlines() if "contamination" in one]
    assert re.search(r"\b1 of \d+ items of lab_words stand word for word", line)
    assert "corpus.overlap=warn" in line
    assert not (tmp_path / "home" / "artifacts" / "collection").exists()


def test_the_report_names_the_query_and_the_item(
    leaky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["contamination", "--corpus", str(leaky), "--suite", "lab_words", "--home", str(tmp_path), "--json"])
    [found] = json.loads(capsys.readouterr().out)
    assert found["items_inside"] == 1
    assert found["examples"][0]["share"] == 1
    assert found["queries"] == 3
