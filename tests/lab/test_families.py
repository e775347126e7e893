"""Careful demonstrations are right, by independent checks; sloppy ones are often not."""

import re
import subprocess
import sys
from random import Random

import pytest

from genius_bench.lab.families import SAMPLERS
from genius_bench.lab.items import FAMILIES
from genius_bench.lab.problem import Author, Problem, split_of
from genius_bench.lab.world import ANIMALS, CLASSES, PROPERTIES, SCALES

EQUATION = re.compile(r"([\d(][\d +*/%()-]*) = (-?\d+)(?: \w+)?\.$")
ARITHMETIC = ("lab_words", "lab_equations", "lab_olympiad")


def problems(family: str, count: int = 200) -> list[Problem]:
    rng = Random(f"test/{family}")
    return [SAMPLERS[family](rng) for _ in range(count)]


def final_answer(text: str) -> str:
    found = re.findall(r"The answer is (?:\\boxed\{)?(-?\w+)\}?\.", text)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "lab_functions"])
def test_careful_answers_equal_the_gold(family: str) -> None:
    for problem in problems(family):
        assert final_answer("\n".join(problem.steps)) == problem.answer
        assert "The answer is" in problem.steps[-1]
        assert 3 <= len(problem.steps) <= 6


@pytest.mark.parametrize("family", ARITHMETIC)
def test_careful_equations_hold(family: str) -> None:
    for problem in problems(family):
        checked = 0
        for step in problem.steps[:-1]:
            if found := EQUATION.search(step):
                assert eval(found[1]) == int(found[2]), step
                checked += 1
        assert checked >= 2


def test_olympiad_answers_follow_from_the_question() -> None:
    for problem in problems("lab_olympiad"):
        numbers = [int(number) for number in re.findall(r"\d+", problem.question)]
        if "remainder" in problem.question:
            expected = (numbers[0] * numbers[1] + numbers[2]) % numbers[3]
        elif "sequence" in problem.question:
            expected = 2 * (numbers[0] + 3 * numbers[1])
        else:
            start, factor, shift, moves = numbers
            expected = start
            for _ in range(moves):
                expected = factor * expected + shift
        assert int(problem.answer) == expected


def test_equations_have_the_stated_root() -> None:
    for problem in problems("lab_equations"):
        equation = re.search(r"[\d(][^?.]*? = [^?. ]+(?: \+ \d+)?", problem.question)
        assert equation
        unknown = next(letter for letter in "xyznt" if re.search(rf"\d{letter}|\({letter}", equation[0]))
        text = re.sub(rf"(\d)({unknown}|\()", r"\1*\2", equation[0]).replace(unknown, problem.answer)
        left, right = text.split(" = ")
        assert eval(left) == eval(right), problem.question


def test_deductions_follow_from_the_rules() -> None:
    for problem in problems("lab_deduction"):
        at = dict(re.findall(r"(\w+) is (\w+)\.", problem.question.split("What colour")[0]))
        thing = re.search(r"What colour is (\w+)\?", problem.question)
        assert thing
        value = thing[1]
        while value in at:
            value = at[value]
        assert problem.options["ABCD".index(problem.answer)] == value


def test_comparisons_agree_with_the_world() -> None:
    adjectives = {"heavier": 0, "taller": 1, "faster": 2}
    for problem in problems("lab_comparison"):
        found = re.search(r"an? (\w+) (?:is )?(\w+) than (an?|\d) (\w+)\?", problem.question)
        assert found
        scale = adjectives[found[2]]
        count = int(found[3]) if found[3].isdigit() else 1
        other = found[4] if found[4] in ANIMALS else found[4].removesuffix("s")
        left, right = ANIMALS[found[1]][scale], count * ANIMALS[other][scale]
        assert left != right
        assert (problem.answer == "Yes") == (left > right)
    assert len(SCALES) == 3


def test_facts_agree_with_the_world() -> None:
    class_of = {thing: kind for kind, things in CLASSES.items() for thing in things}
    for problem in problems("lab_facts"):
        found = re.search(r"the ([a-z ]+) of an? (\w+)[?.]", problem.question)
        assert found
        assert problem.options["ABCD".index(problem.answer)] == PROPERTIES[found[1]][class_of[found[2]]]


def test_functions_pass_their_own_tests() -> None:
    program = ""
    for problem in problems("lab_functions", 120):
        assert problem.answer == "\n".join(problem.steps)
        program += "\n".join([problem.answer, *problem.tests, ""])
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=20)


@pytest.mark.parametrize("family", FAMILIES)
def test_sloppy_authors_are_mostly_wrong_and_careful_ones_never(family: str) -> None:
    rng = Random(5)
    right = 0
    for problem in problems(family):
        assert problem.write(Author(rng, 0.0)) == list(problem.steps)
        right += problem.write(Author(rng, 0.55))[-2:] == list(problem.steps)[-2:]
    assert right < 120


def test_an_author_counts_and_makes_slips() -> None:
    author = Author(Random(0), 1.0)
    assert all(author.number(7) != 7 and author.pick("a", "abc") != "a" for _ in range(50))
    assert author.slips == author.steps == 100


def test_splits_have_their_shares() -> None:
    splits = [split_of(f"question {i}") for i in range(4000)]
    shares = {
        split: splits.count(split) / 4000 for split in ("evaluation", "tuning", "training", "pretraining")
    }
    expected = {"evaluation": 0.10, "tuning": 0.05, "training": 0.25, "pretraining": 0.60}
    assert all(abs(shares[split] - share) < 0.03 for split, share in expected.items())
