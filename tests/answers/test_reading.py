"""Graders and votes read the same answer from the same text."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.answers import formula, number, option, yes_no
from genius_bench.evaluation.graders.notation import as_latex
from genius_bench.sampling.answers import agrees, final_answer

OPTIONS = ("alpha", "beta", "gamma", "delta")
FRAMES = [
    "The answer is {}.",
    "So the final answer is: {}",
    "Answer: {}",
    "**Answer:** {}",
    "### Answer\n\n{}",
    "The answer is:\n\n\\[\n{}\n\\]",
    "The answer is:\n$$\n{}\n$$\nI hope this helps.",
    "The answer is as follows:\n\n```\n{}\n```",
    "<think>The answer is C, no, 7, yes.</think>The answer is {}.",
    "The answer (after some thought) is {}.",
    "The answer, therefore, is {}.",
    "The answer to the question is most likely {}.",
    "The answer here is **{}**.",
    "Hence $\\boxed{{{}}}$.",
    "\\boxed{{D}}? No. \\boxed{{{}}}",
    "The answer is {}. (Note: this answer is approximate.)",
    "The answer is {}.\n\nFinal Answer:",
    "The answer is D. No, wait. The answer is {}.",
    "The answer is \\({}\\).",
    "I thought about it.\n\n{}",
]
decimals = st.decimals(-1000, 1000, places=2, allow_nan=False).map(str)
numbers = st.one_of(st.integers(-(10**9), 10**9).map(str), decimals, st.integers(1, 10**6).map("{:,}".format))
LABELS = {"A": "A", "(B)": "B", "C.": "C", "(d)": "D", "\\text{A}": "A", "\\textbf{(B)}": "B", "**C**": "C"}
LABELS |= {
    "_D_": "D",
    "Ａ": "A",
    "（Ｂ）": "B",
    "𝐂": "C",
    "option D": "D",
    "<b>A</b>": "A",
    "__B__": "B",
    "b": "B",
}
labels = st.sampled_from(list(LABELS.items()))
decisions = st.sampled_from(
    ["yes", "No", "YES", "no", "**Yes**", '"No"', "\\text{Yes}", "true", "False", "Ｎｏ"]
)


def grade_number(text: str) -> str | None:
    found = number.extract(text)
    value = None if found is None else number.as_number(found)
    return None if value is None else number.canonical(value)


def grade_option(text: str) -> str | None:
    return option.extract(text, "ABCD", OPTIONS)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(FRAMES), numbers)
def test_a_number_is_voted_on_as_it_is_graded(frame: str, answer: str) -> None:
    expected = number.canonical(Fraction(answer.replace(",", "")))
    text = frame.format(answer)
    assert grade_number(text) == final_answer(text) == expected
    assert number.as_number((formula.extract(text) or "").strip("$ .*")) == Fraction(expected)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("－１２．５", "-12.5"),
        ("１／３", "1/3"),
        ("0.(3)", "1/3"),
        ("0.1(6)", "1/6"),
        ("0.333…", "1/3"),
        ("0.\\overline 6", "2/3"),
        ("0.\\dot{3}", "1/3"),
        ("0.\\dot{1}4285\\dot{7}", "1/7"),
        ("0.3\u0305", "1/3"),
        ("0.\\overline{142857}", "1/7"),
    ],
)
def test_a_number_in_any_notation_is_voted_on_as_it_is_graded(written: str, value: str) -> None:
    for text in (frame.format(written) for frame in FRAMES):
        assert grade_number(text) == final_answer(text) == value, text
        assert number.as_number(as_latex(formula.extract(text) or "")) == Fraction(value), text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(FRAMES), labels)
def test_a_label_is_voted_on_as_it_is_graded(frame: str, answer: tuple[str, str]) -> None:
    written, label = answer
    assert grade_option(frame.format(written)) == final_answer(frame.format(written)) == label


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(FRAMES), decisions)
def test_yes_and_no_are_voted_on_as_they_are_graded(frame: str, answer: str) -> None:
    expected = "Yes" if "yes" in answer.lower() or "true" in answer.lower() else "No"
    assert yes_no.extract(frame.format(answer)) == final_answer(frame.format(answer)) == expected


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("The answer is:\n\\begin{align*}\nx &= 9 + 9 \\\\\n&= 18\n\\end{align*}", "18"),
        ("Answer: Let's think step by step. 16 - 3 - 4 = 9. 9 * 2 = 18.", None),
        ("Answer: Janet sells 16 - 3 - 4 = 9 eggs. She makes 9 * 2 = 18 dollars.", None),
        ("Answer:\n\n1. She has 16 eggs.\n2. She eats 7.\n3. So she makes 18", None),
        ("The answer is found by multiplying 9 by 2, which gives 18.", None),
        ("So she makes 18 dollars.\nTo check the answer: 18 / 2 = 9, and half of 36 is 18", None),
        ("The answer is 18. To verify the answer: 9 + 9 = 9 * 2", "18"),
        ("The answer (in dollars) is 18 for 3 days.", "18"),
        ("The answer is 18. This answer is for 3 days.", "18"),
        ("#### Step 1\nShe sells 9 eggs.\n#### Step 2\n9 * 2 = 18\nThe answer is 18.", "18"),
        ("If the answer is 9, she sold none. So the answer must be 18.", "18"),
    ],
)
def test_working_is_no_answer(text: str, vote: str | None) -> None:
    """A vote guesses no last number where nothing is stated."""
    assert number.extract(text) == "18"
    assert final_answer(text) == vote


@pytest.mark.parametrize(
    "text",
    [
        "The answer seems to be B",
        "Answer choice: B",
        "The closest option is B.",
        "The most appropriate choice would be (B) beta",
        "The answer that best completes the passage is (B)",
        "The answer that is most consistent with the passage is (B).",
        "The answer I would choose is B.",
        "The right answer, I believe, is B.",
        "B. beta\n\nExplanation: alpha is odd.",
        "The answer is ... B",
        "The answer is (B).因此",
        "The answer is B因为",
        "The answer is B. The answer cannot be A.",
        "The answer isn't A, it's B.",
        "The answer is B. It is stronger than A and C. So it is.",
        "$\\mathbf{B}$",
        "**Final Answer**\n\n\\(\\boxed{B}\\)",
        "<think>A fits. \\boxed{A}</think>\n\nB",
        "The answer is A... no wait, (B) beta.",
        "My answer is A. On reflection, B is the better choice.",
        "The answer is B. Actually, (C) might also work.",
        "The answer is B, but I'd say A and C are plausible.",
        "The answer is A. The option that fits best is option 2 (B).",
        "The answer is not A. So we are left with C and B, and C fails, leaving B.",
        "So:\n```\nB\n```",
    ],
)
def test_an_option_is_read_however_it_is_stated(text: str) -> None:
    assert grade_option(text) == "B"
    assert final_answer(text) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "Either \\boxed{A} or \\boxed{B}.",
        "The answer is B. blue and D. black.",
        "The answer is B and D.",
        "Suppose the answer is B.",
        "You might think the answer is B.",
        "The answer is B. Hmm, the answer cannot be B.",
        "A. alpha\nB. beta\nC. gamma\nD. delta",
        "<think>The answer is B.",
    ],
)
def test_what_names_no_single_option_is_none(text: str) -> None:
    assert grade_option(text) is None
    assert final_answer(text) is None


def test_options_are_known_by_their_texts_however_they_are_spaced() -> None:
    options = ("0.82 J/K", "0.41 W", "0.41 J / ° K", "$5")
    assert option.extract("The answer is (C) 0.41 J/°K", "ABCD", options) == "C"
    assert option.extract("The answer is 0.41 J/°K.", "ABCD", options) == "C"
    assert option.extract("The answer is $5.", "ABCD", options) == "D"


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("The answer (Yes or No) is No.", "No"),
        ('The answer is most likely "No."', "No"),
        ("The answer is a definite no", "No"),
        ("The answer is technically Yes, but nobody does it.", "Yes"),
        ("The answer is No。因为", "No"),
        ("The answer is No.因为", "No"),
        ("The answer (Yes or No) is followed by a reason.\n\nYes, it is normal.", "Yes"),
        ("Say the first answer is yes. The answer (Yes or No) is dependent on the person.", None),
        ("The answer is only yes if it rains.", None),
        ("The answer is hardly no.", None),
        ("The answer is not no, it is yes.", "Yes"),
    ],
)
def test_hedged_decisions(text: str, decision: str | None) -> None:
    assert yes_no.extract(text) == decision


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("The solutions are \\boxed{2} and \\boxed{6}.", "2, 6"),
        ("$x = \\boxed{2}$ or $x = \\boxed{6}$", "2, 6"),
        ("\\boxed{2} \\text{ and } \\boxed{6}", "2, 6"),
        ("\\boxed{2}. No, \\boxed{6}", "6"),
        ("\\boxed{2},\n\\boxed{6}", "6"),
        ("\\boxed{2}, so the answer is \\boxed{6}", "6"),
        ("\\boxed{6}\n\n\\boxed{6}", "6"),
        ("$\\boxed{1\\frac{1}{2}}$, or $\\boxed{1.5}$", "1.5"),
    ],
)
def test_boxes_of_one_sentence_are_a_list(text: str, listed: str) -> None:
    assert formula.extract(text) == final_answer(text) == listed
    assert number.extract(text) == (listed if "," not in listed else None)


@pytest.mark.parametrize(
    "end",
    [
        "<|im_end|>",
        "</s>",
        "<|eot_id|>\n",
        "<end_of_turn>",
        "<eos></s>",
        "<|eos|>" * 3,
        "<\uff5cend\u2581of\uff5c>",
    ],
)
def test_a_token_that_ends_the_turn_is_no_part_of_the_answer(end: str) -> None:
    assert number.extract(f"#### 42{end}") == final_answer(f"42{end}") == "42"
    assert formula.extract(f"The answer is x+1.{end}") == final_answer(f"The answer is x+1.{end}") == "x+1"
    assert grade_option(f"B{end}") == final_answer(f"B{end}") == "B"
    assert yes_no.extract(f"No{end}") == final_answer(f"No{end}") == "No"


@pytest.mark.parametrize("gold", ["17", "5", "99"])
def test_a_vote_never_calls_different_answers_equal(gold: str) -> None:
    assert not agrees("The answer is:\n\\[\n42\n\\]", gold)
    assert agrees("The answer is:\n\\[\n42\n\\]", "42")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\\boxed{2x}", "\\boxed{2}"),
        ("\\boxed{2 x}", "\\boxed{2}"),
        ("\\boxed{x+3}", "\\boxed{3}"),
        ("\\boxed{x > 5}", "\\boxed{5}"),
        ("\\boxed{\\pm 5}", "\\boxed{5}"),
        ("\\boxed{f(5)}", "\\boxed{5}"),
        ("The answer is less than 5.", "The answer is 5."),
        ("The answer is minus 5.", "The answer is 5."),
        ("The answer is 5 dollars and 20 cents.", "The answer is 5."),
        ("\\boxed{A \\cap B}", "\\boxed{A}"),
        ("\\boxed{a/b}", "\\boxed{a}"),
        ("\\boxed{999999}", "\\boxed{1000000}"),
        ("\\boxed{\\frac{3}{2598960}}", "\\boxed{\\frac{4}{2598960}}"),
        ("\\boxed{5!}", "\\boxed{5}"),
        ("The answer is 3 or 4.", "The answer is 3."),
        ("The answer is 5 times x.", "The answer is 5."),
        ("The answer is 12345678901.", "The answer is 12345678902."),
    ],
)
def test_formulas_are_not_the_numbers_in_them(one: str, other: str) -> None:
    assert final_answer(one) != final_answer(other)


HOSTILE = [
    *(
        "the answer is ",
        "answer to the ",
        "answer (",
        "the answer, ",
        "Answer:\n",
        "the best option ",
        "I choose ",
        "wait, ",
        "no, actually ",
        "$x$ or ",
        "Option B: ",
    ),
    *(
        "\\boxed{1} and ",
        "\\boxed{",
        "$$",
        "#### 1\n",
        "\\text{",
        "{",
        "*",
        "_",
        "1,",
        "B. and ",
        "答案",
        "<b>",
        "…",
        " ",
    ),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_100_kb_are_read_in_no_time(piece: str) -> None:
    hostile = (piece * 100_000)[:100_000]
    for read in (number.extract, grade_option, yes_no.extract, formula.extract, final_answer):
        begun = time.thread_time()  # of the process' time, threads that other tests have left would be part
        read(f"The answer is {hostile}")
        assert time.thread_time() - begun < 2, read  # where time grows with the square it is minutes


def test_a_label_after_a_boxed_value_has_the_last_word() -> None:
    text = "The speed is $\\boxed{42}$ km/h, so the answer is B."
    assert grade_option(text) == final_answer(text) == "B"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 12. Scratch that: 14 eggs.", "14"),
        ("The answer is 14. Actually, she has 3 cats.", "14"),
        ("The answer is 14. It should be 3 more than 11.", "14"),
        ("The answer is $12. Wait, it's $14.", "14"),
        ("The answer is 14. Wait, no.", "14"),
        ("The answer is 14. Actually, 7*2.", "14"),
        ("Wait, 3 eggs. So there are\n14", "14"),
    ],
)
def test_a_number_is_corrected_by_a_number_alone(text: str, answer: str) -> None:
    assert number.extract(text) == final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("The answer is yes. On reflection, no.", "No"),
        ("The answer is no. I would say yes only if cats were buses.", "No"),
        ("The answer is not yes. So no.", "No"),
        ("The answer is yes. We say no to drugs.", "Yes"),
    ],
)
def test_a_decision_is_corrected_by_a_decision(text: str, decision: str) -> None:
    assert yes_no.extract(text) == final_answer(text) == decision
