"""What a model thought is no part of its answer."""

import time

import pytest

from genius_bench.answers.thoughts import without_thoughts
from genius_bench.engines.turns import THOUGHTS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>The answer is A. No.</think>\n**B**", "\n**B**"),
        ("<thinking>A</thinking>B", "B"),
        ("<Reasoning>\nA\n</Reasoning><answer>B</answer>", "<answer>B</answer>"),
        ("[THINK]A[/THINK]B", "B"),
        ("◁think▷A◁/think▷B", "B"),
        ("<|begin_of_thought|>A<|end_of_thought|>B", "B"),
        ("<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>B", "B"),
        ("<think>The answer is A.", ""),
        ("B.<think>A", "B."),
        ("A\n</think>\nB", "\nB"),
        ("<think>A</think>B<think>C</think>", "B"),
        ("<think>Which <think> tag?</think>B", "B"),
        ("<think>A<think>B</think>C</think>D", "D"),
        ("A<think>B</think>C</think>D", "D"),
        ("<reasoning>A</think>B", "B"),
        ("I think <b>B</b> is right.", "I think <b>B</b> is right."),
        ("", ""),
    ],
)
def test_thoughts_are_taken_out(text: str, said: str) -> None:
    assert without_thoughts(text) == said


@pytest.mark.parametrize("opening", THOUGHTS)
def test_thoughts_that_templates_open_are_known(opening: str) -> None:
    assert (
        without_thoughts(f"{opening}A{THOUGHTS[opening]}B")
        == without_thoughts(f"A{THOUGHTS[opening]}B")
        == "B"
    )


@pytest.mark.parametrize(
    "piece", ["</s>", "<|im_end|> ", "<|", "<think>", "</think>", "<think ", "<", "<think>x</think>"]
)
def test_long_texts_take_no_time(piece: str) -> None:
    begun = time.thread_time()
    without_thoughts((piece * 100_000)[:100_000])
    assert time.thread_time() - begun < 0.5
