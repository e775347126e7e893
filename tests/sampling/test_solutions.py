"""Right solutions: which of them a query gives to training, and what makes two of them one."""

from itertools import permutations
from random import Random

from genius_bench.engines.interface import Completion
from genius_bench.sampling.solutions import draw_solutions, equations, right_and_wrong


def said(text: str) -> Completion:
    ids = (*map(ord, text), 1)
    return Completion(token_ids=ids, text=text, logprobs=(-0.5,) * len(ids), finish_reason="eos")


def texts(solutions: list[Completion]) -> list[str]:
    return [solution.text for solution in solutions]


def test_ten_of_thirty_two_are_drawn_by_the_seed_whatever_the_order_of_arrival() -> None:
    solutions = [said(f"Way {number}. The answer is 7.") for number in range(32)]
    drawn = texts(draw_solutions(solutions, 10, seed=3))
    assert len(set(drawn)) == 10
    for shuffle in range(5):
        assert texts(draw_solutions(Random(shuffle).sample(solutions, 32), 10, seed=3)) == drawn
    assert texts(draw_solutions(solutions, 10, seed=4)) != drawn
    counts = [0] * 32
    for seed in range(200):
        for text in texts(draw_solutions(solutions, 10, seed=seed)):
            counts[int(text.split()[1][:-1])] += 1
    assert min(counts) > 35, "every solution has its chance: 62.5 ± 6.6 of 200"
    assert max(counts) < 90


def test_solutions_with_the_same_equations_are_one() -> None:
    same = [
        "So 2+3 = 5, and 5 * 2 = 10.",
        "First we add: 2 + 3=5. Then we double: 5*2 = 10",
        "<<2+3=5>> <<5*2=10>>",
    ]
    other = "Twice 2 + 3 is 4 + 6 = 10."
    for order in permutations([*same, other]):
        assert len(kept := texts(draw_solutions(map(said, order), 9, 0, distinct="equations"))) == 2
        assert other in kept
    assert len(draw_solutions(map(said, same), 9, 0)) == 3
    assert (
        len(
            {
                text
                for seed in range(30)
                for text in texts(draw_solutions(map(said, same), 9, seed, "equations"))
            }
        )
        == 3
    )


def test_equations_are_read_out_of_sentences() -> None:
    assert equations("Zoe sells 8, so 18 - 8 = 10.\nThe answer is 10.") == ("18-8=10",)
    assert equations("Divide by 3: y = 27 / 3 = 9.") == ("y=27/3=9",)
    assert equations("She paid 1,000 + 0.5 = 1,000.5; then 2 = 2.") == ("1,000+0.5=1,000.5", "2=2")
    assert equations("Red is a colour.") == ("Red is a colour.",), "what has none is known by its text"
    program = "def f(x):\n    x = [y for y in x if y > {}]"
    assert equations(program.format(9)) != equations(program.format(8))


def test_right_is_what_ends_in_the_gold_answer() -> None:
    right, wrong = right_and_wrong(
        map(said, ["#### 7", "The answer is 8.", "7 or 8?", "The answer is 7.0"]), "#### 7"
    )
    assert (texts(right), texts(wrong)) == (["#### 7", "The answer is 7.0"], ["The answer is 8.", "7 or 8?"])
