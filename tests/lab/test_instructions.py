"""General instructions, judgements and contrasts, and the pre-training stream that mixes them in."""

from collections import Counter
from itertools import islice
from random import Random
from statistics import mean

from genius_bench.lab import instructions
from genius_bench.lab.documents import MIXTURE, draw_document, stream
from genius_bench.lab.problem import Author


def test_the_judge_prompt_holds_question_and_answer() -> None:
    prompt = instructions.judge_prompt("What is 2 + 2?", "The answer is 4.")
    assert all(part in prompt for part in ("What is 2 + 2?", "The answer is 4.", "0 to 5"))


def test_verdicts_follow_the_slips() -> None:
    rng = Random(0)
    scores: dict[int, list[int]] = {0: [], 1: [], 4: []}
    for slips, found in scores.items():
        author = Author(rng, 0.0)
        author.steps, author.slips = 4, slips
        for _ in range(200):
            reason, score = instructions.verdict(author, rng).split("\n")
            assert reason.endswith(".")
            found.append(int(score.removeprefix("Score: ")))
    assert mean(scores[0]) > 4.5 > mean(scores[1]) > 1 > mean(scores[4])
    assert all(0 <= score <= instructions.MAXIMAL_SCORE for found in scores.values() for score in found)


def test_contrastive_prompts_end_in_their_marker() -> None:
    assert instructions.contrastive_prompt("Why?", helpful=True).endswith(instructions.HELPFUL)
    assert instructions.contrastive_prompt("Why?", helpful=False).endswith(instructions.UNHELPFUL)


def test_instructions_are_varied() -> None:
    rng = Random(0)
    problems = [instructions.sample(rng) for _ in range(2000)]
    assert len({problem.question for problem in problems}) > 1500
    assert all(1 <= len(problem.steps) <= 4 for problem in problems)


def test_the_stream_is_seeded_and_mixed_as_declared() -> None:
    documents = list(islice(stream(2), 4000))
    assert documents[:200] == list(islice(stream(2), 200))
    kinds = Counter(document.kind for document in documents)
    assert all(abs(kinds[kind] / 4000 - share) < 0.03 for kind, share in MIXTURE.items())
    assert abs(sum(MIXTURE.values()) - 1) < 1e-9


def test_unhelpful_answers_are_worse() -> None:
    rng = Random(1)
    documents = [draw_document("contrast", rng) for _ in range(400)]
    assert {document.prompt.rpartition("\n")[2] for document in documents} == {
        instructions.HELPFUL,
        instructions.UNHELPFUL,
    }
