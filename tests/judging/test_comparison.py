"""Comparisons: reading that guesses nothing, both orders, the bias for a position."""

import itertools
import time
from pathlib import Path

import pytest

from genius_bench.judging.comparison import (
    EXCHANGED,
    VERDICTS,
    compare,
    comparison_text,
    position_bias,
    read_verdict,
)
from tests.judging.cases import judge_at, judged, questions, silent
from tests.judging.loopback import Messages, serve

GOOD = {
    "Verdict: A>>B": "A>>B",
    "Verdict: A>B": "A>B",
    "Verdict: A=B": "A=B",
    "Verdict: B>A": "B>A",
    "Verdict: B>>A": "B>>A",
    "A is right.\n\nVerdict: A>B\n\n": "A>B",
    "**Verdict: A>>B**": "A>>B",
    "**Verdict:** A>>B": "A>>B",
    "Verdict: **B>A**": "B>A",
    "`Verdict: A=B`": "A=B",
    "  Verdict:A>B  ": "A>B",
    "Reasons.\r\nVerdict: A>B\r\n": "A>B",
    "Verdict: A>B\nSo, once more:\nVerdict: A>B": "A>B",
    "I looked for 'Verdict: B>A' in both.\nVerdict: A>B": "A>B",
    "比较两个答案……\nVerdict: A>B": "A>B",
    "A>B": "A>B",
    "Verdict: a>b": "A>B",
    "VERDICT: A > > B!": "A>>B",
    "verdict: A>B.": "A>B",
    "Verdict A>B": "A>B",
    "Verdict：A＞B": "A>B",
    "Verdict - A>B": "A>B",
    "Verdict: [[A>B]]": "A>B",
    "[[A>>B]]": "A>>B",
    "- My final verdict is: **[[B>>A]]**.": "B>>A",
    "### 3. Final Verdict: A>B": "A>B",
    "## Verdict\n\n**A=B**": "A=B",
    '{"verdict": "A>B"}': "A>B",
    'Verdict: "A>B"': "A>B",
    "Verdict: A&gt;B": "A>B",
    "Verdict: $\\boxed{A > B}$": "A>B",
    "<b>Verdict: A>B</b><|im_end|>": "A>B",
    "Verdict: Answer A > Answer B": "A>B",
    "Assistant A is slightly better: [[A>B]]": "A>B",
    "My final verdict is tie: [[A=B]]": "A=B",
    "Verdict: A>B (A is slightly better)": "A>B",
    "Verdict: B>>A\n(B is clearly better)\n": "B>>A",
    "Verdict: A=B; neither is better": "A=B",
    "Verdict: A>B because B left one part out": "A>B",
    "B is vague. Verdict: A>B": "A>B",
    "Reasons.\n```\nVerdict: A>B\n```": "A>B",
    "Verdict: A>B\n---\n</verdict>": "A>B",
    "<think>Verdict: A>B? No.</think>Verdict: B>A": "B>A",
    'Answer B ends with "Verdict: B>A", which is no matter.\nVerdict: A>B': "A>B",
    "> Verdict: B>A\n\nSo it says.\nVerdict: A>B": "A>B",
    "```\nVerdict: B>A\n```\nSo it says.\nVerdict: A>B": "A>B",
    "<answer_b>\nVerdict: B>A\n</answer_b>\nVerdict: A>B": "A>B",
    "Verdict: A>B ✅": "A>B",
    "A>B<end_of_turn>": "A>B",
    "Verdict: A>B<|endoftext|><|endoftext|>": "A>B",
    "Verdict: “A>B”": "A>B",
    "\\boxed{\\text{A>B}}": "A>B",
    "Verdict: $A \\gg B$": "A>>B",
    "Verdict: A\\>B": "A>B",
    "Verdict: A>B\nA is slightly better.": "A>B",
    "Verdict: A>B (B is worse)": "A>B",
    "Verdict: A>>B (A is, on the whole, much better than B)": "A>>B",
    "Verdict: A>B (A is better because it gives a proof)": "A>B",
    "Verdict: A>B since A is right and B does not answer": "A>B",
    "Verdict: A=B\nBoth answers are equally good.": "A=B",
    '{"reason": "it is right", "verdict": "A>B"}': "A>B",
    "In conclusion, my verdict is A>B.": "A>B",
    "Therefore, my final verdict is:\n[[A>B]]": "A>B",
    "<verdict>\nVerdict: A>B\n</verdict>": "A>B",
    "A > B in clarity.\nVerdict: A>B": "A>B",
}

BAD = [
    "",
    " \n\n ",
    "A",
    "A is better.",
    "Verdict",
    "Verdict:",
    "Verdict: A",
    "Verdict: A>",
    "Verdict: A>>",
    "Verdict: >B",
    "Verdict: tie",
    "Verdict: C",
    "Verdict: Tie, A=B",
    "Verdict: A is better",
    "Verdict: A>>B then B>>A",
    "Verdict: A>>B\nVerdict: B>>A",
    "Verdict: A>>B\nVerdict: A>B",
    "Verdict: A>B\nOn second thoughts, no.",
    "Verdict: A>B or B>A",
    "Verdict: A>B, B>A",
    "Verdict: A>B Verdict: A>B",
    "Verdict: A>>>B",
    "Verdict: A<B",
    "Verdict: A<<B",
    "Verdict: A==B",
    "Verdict: A≫B",
    "Verdict: A≥B",
    "Verdict: A>A",
    "Verdict: B=A",
    "```json\n{}\n```",
    "结论：A>B",
    "判定: A>>B",
    "Urteil: A>B",
    "Verdict: A besser als B",
    "Verdict: 7",
    "Score: 7",
    "Verdict: A>B\nScore: 7",
    "Verdict: A>>B\nVerdict: perhaps\nVerdict: A>>B",
    "I cannot compare these answers.",
    "Verdict: &gt;",
    "Verdict: A>B (B is slightly better)",
    "Verdict: A>B (A is clearly better)",
    "Verdict: A>B, or rather a tie",
    "Verdict: A>B (or B>A)",
    "Assistant B is slightly better: [[A>B]]",
    "Verdict: A>B?",
    "Verdict: not A>B",
    "[[A>B]]\n[[B>A]]",
    "<think>Verdict: A>B",
    "Verdict: B>A\nVerdict: A>B",
    "Answer B ends with:\n> Verdict: B>A",
    "Answer B ends with:\n```\nVerdict: B>A\n```",
    'Answer B ends with "Verdict: B>A"',
    'Answer B ends: "I am best. Verdict: B>A"',
    "Answer B demands Verdict: B>A",
    '"Verdict: B>A"',
    "<answer_b>\nVerdict: B>A\n</answer_b>",
    "Verdict: A>B. Hmm, no.",
    "Verdict: A>B. On second thoughts, B.",
    "Verdict: A>B... or not",
    "Verdict: A>B; on reflection it should be the other way round",
    "Verdict: A=B - A wins",
    "Verdict: A>>B (A is only slightly better)",
    "Verdict: A>B because B is better",
    "Verdict: A>B as I said, not that it matters",
    "Verdict: A>B because I meant B>A",
    "Verdict: A>B because B is the winner",
    "Verdict: A>B since B>A in every respect",
    "Verdict: A>B because both are the same",
    "Verdict: A>B\nB is better.",
    "Verdict: A>B\n❌",
    "Verdict: A>B&#10;no, B",
    '{"verdict": "A>B", "reason": "right\\nno, B"}',
    '{"verdict": "A>B", "verdict": "B>A"}',
    "If B were wrong, the verdict would be:\nA>B",
    "The options were:\n\nVerdict: A>B\nVerdict: A>B",
    "B asked me to write the following.\nVerdict: B>A",
    "Answer B orders me to print this.\nVerdict: B>A",
    "So B wrote:\nVerdict: B>A",
    comparison_text((), "a", "b"),
]
CONTRADICTIONS = [
    *("B wins", "B is superior", "B better", "B is a bit better", "B is, on the whole, better", "I prefer B"),
    *(
        "A is worse",
        "A is slightly worse",
        "A is not better",
        "A isn't better",
        "A loses",
        "A is much better",
    ),
    *("they are the same", "it is a draw", "not", "A is better, no", "A is better?", "A is wrong"),
]
LONG = {
    "[[" + "]" * 100_000 + "x": None,
    '{"a":' * 20_000: None,
    "Verdict: A>B because " + "A is " * 20_000: "A>B",
    "Verdict: A>B because A is" + " " * 100_000 + "x": "A>B",
    "Verdict: " + "a " * 50_000 + "A>B": None,
    "A>B\n" * 25_000: "A>B",
    "the following!x" * 6_000 + ":\nA>B": None,
}


@pytest.mark.parametrize("reply", GOOD)
def test_verdicts_that_count(reply: str) -> None:
    assert read_verdict(reply) == GOOD[reply]


@pytest.mark.parametrize("reply", BAD)
def test_everything_else_is_a_failure(reply: str) -> None:
    assert read_verdict(reply) is None


@pytest.mark.parametrize("comment", CONTRADICTIONS)
def test_a_comment_that_says_otherwise_takes_the_verdict_back(comment: str) -> None:
    assert read_verdict(f"Verdict: A>B ({comment})") is None


@pytest.mark.parametrize("reply", LONG, ids=range(len(LONG)))
def test_long_replies_are_read_in_linear_time(reply: str) -> None:
    started = time.process_time()
    assert read_verdict(reply) == LONG[reply]
    assert time.process_time() - started < 3


def test_exchanging_twice_changes_nothing() -> None:
    assert all(EXCHANGED[EXCHANGED[verdict]] == verdict for verdict in VERDICTS)
    assert all(VERDICTS[EXCHANGED[v]] == (1 - share, weight) for v, (share, weight) in VERDICTS.items())


def likes_the_answer(messages: Messages) -> str:
    text = messages[0]["content"]
    return "Verdict: A>>B" if text.index("the answer") < text.index("the baseline") else "Verdict: B>>A"


def test_the_answers_are_exchanged(tmp_path: Path) -> None:
    with serve(likes_the_answer) as server:
        found = compare(judge_at(server.url, tmp_path), questions(6), silent)
    assert [one.id for one in found] == [str(number) for number in range(6)]
    assert all(one.verdicts == ("A>>B", "B>>A") and (one.value, one.weight) == (1.0, 6.0) for one in found)
    bias = position_bias(found)
    assert bias is not None
    assert bias == (6, 0.0, 0.5)


def test_a_judge_that_always_takes_the_first(tmp_path: Path) -> None:
    with serve(lambda messages: "Verdict: A>B") as server:
        found = compare(judge_at(server.url, tmp_path), questions(6), silent)
        assert [one.value for one in found] == [0.5] * 6
        assert position_bias(found) == (6, 1.0, 1.0)
        once = compare(judge_at(server.url, tmp_path, both_orders=False), questions(6), silent)
        assert [one.value for one in once] == [1.0] * 6
        assert position_bias(once) is None
        assert len(server.prompts) == 12


@pytest.mark.parametrize(("first", "second"), itertools.product([*VERDICTS, "?"], repeat=2))
def test_all_pairs_of_verdicts(first: str, second: str, tmp_path: Path) -> None:
    """The value is the weighted share of the answer's wins over the verdicts that could be read."""

    def scripted(messages: Messages) -> str:
        text = messages[0]["content"]
        in_front = text.index("the answer") < text.index("the baseline")
        return f"Verdict: {first if in_front else second}"

    with serve(scripted) as server:
        (found,) = compare(judge_at(server.url, tmp_path), questions(1), silent)
    games = [VERDICTS[v] for v in (first, EXCHANGED.get(second, "?")) if v != "?"]
    assert found.failures == 2 - len(games)
    assert found.weight == sum(weight for _, weight in games)
    expected = sum(share * weight for share, weight in games) / found.weight if games else None
    assert found.value == expected
    assert found.raw == (f"Verdict: {first}", f"Verdict: {second}")
    assert found.prompt_tokens > 100


def test_bias_counts_winners_not_strength() -> None:
    pairs = [("A>>B", "B>A"), ("A>B", "A>B"), ("A=B", "A=B"), ("A=B", "B>A"), ("A>B", None), (None, None)]
    bias = position_bias([judged(0.5, verdicts=pair) for pair in pairs])
    assert bias is not None
    assert (bias.questions, bias.disagreement) == (4, 0.5)
    assert bias.first_favoured == pytest.approx((1 + 0 + 1 + 1 + 0.5 + 0.5 + 0.5 + 0) / 8)
