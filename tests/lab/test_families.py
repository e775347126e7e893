"""Careful demonstrations are right, by independent checks; sloppy ones are often not; readings divide their authors."""

import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from genius_bench.lab.documents import draw
from genius_bench.lab.families import SAMPLERS
from genius_bench.lab.items import FAMILIES
from genius_bench.lab.problem import LEVELS, Author, Problem, split_of
from genius_bench.lab.world import ANIMALS, CLASSES, PROPERTIES

EQUATION = re.compile(r"(?<![\w(])(-?[\d(][\d +*/%()-]*) = (-?\d+)(?: \w+)?\.$")
ARITHMETIC = ("lab_words", "lab_equations", "lab_olympiad")
MORE = {"buys", "finds", "gets", "borrows"}
KINDS = {
    "mammal": "bat manatee dolphin whale orca seal walrus porpoise narwhal platypus",
    "bird": "penguin ostrich emu kiwi puffin rhea cassowary",
    "fish": "seahorse ray",
    "insect": "firefly ladybird dragonfly cicada butterfly",
}
CLASS_OF = {thing: kind for kind, things in CLASSES.items() for thing in things}
CLASS_OF |= {thing: kind for kind, things in KINDS.items() for thing in things.split()}
SCALES = ("weight", "height", "speed")
TEXTS = 800


def problems(family: str, count: int = 200) -> list[Problem]:
    """Of all levels in turn, with sizes beyond those that pre-training shows."""
    rng = Random(f"test/{family}")
    return [SAMPLERS[family](rng, LEVELS[number % len(LEVELS)], False) for number in range(count)]


def final_answer(text: str) -> str:
    found = re.findall(r"The answer is (?:\\boxed\{)?(-?\w+)\}?\.", text)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "lab_functions"])
def test_careful_answers_equal_the_gold(family: str) -> None:
    for problem in problems(family):
        assert final_answer("\n".join(problem.steps)) == problem.answer
        assert "The answer is" in problem.steps[-1]
        assert 2 <= len(problem.steps) <= 12


@pytest.mark.parametrize("family", ARITHMETIC)
def test_careful_equations_hold(family: str) -> None:
    for problem in problems(family):
        checked = 0
        for step in problem.steps[:-1]:
            if found := EQUATION.search(step):
                assert eval(found[1]) == int(found[2]), step
                checked += 1
        assert checked >= 1


def test_words_add_up() -> None:
    for problem in problems("lab_words"):
        start, *amounts = map(int, re.findall(r"\d+", problem.question))
        verbs = re.findall(r"\w+ (\w+) \d+\.", problem.question)
        changes = zip(verbs, amounts, strict=True)
        total = start + sum(amount if verb in MORE else -amount for verb, amount in changes)
        assert int(problem.answer) == total > 0, problem.question


def test_olympiad_answers_follow_from_the_question() -> None:
    for problem in problems("lab_olympiad"):
        first, step, *moves = map(int, re.findall(r"\d+", problem.question))
        if "sequence" in problem.question:
            ordinals = ("first", "second", "third", "fourth", "fifth", "sixth")
            [wanted] = [number for number, word in enumerate(ordinals) if f"its {word} " in problem.question]
        else:
            [wanted] = moves
        assert int(problem.answer) == 2 * (first + wanted * step)


def test_equations_have_the_stated_root() -> None:
    for problem in problems("lab_equations"):
        equation = re.search(r"[\d(][^?.]*? = -?\d+", problem.question)
        assert equation
        unknown = next(letter for letter in "xyznt" if re.search(rf"\d{letter}|\({letter}", equation[0]))
        text = re.sub(rf"(\d)(?={unknown}|\()", r"\1*", equation[0]).replace(unknown, problem.answer)
        left, right = text.split(" = ")
        assert eval(left) == eval(right), problem.question


def test_deductions_follow_from_the_rules() -> None:
    for problem in problems("lab_deduction"):
        facts = problem.question.split("What colour")[0]
        at = dict(re.findall(r"(\w+) is (\w+)\.", facts))
        at |= dict(re.findall(r"(\w+) was \w+ and (?:became|turned) (\w+)\.", facts))
        thing = re.search(r"What colour is (\w+)\?", problem.question)
        assert thing
        value = thing[1]
        while value in at:
            value = at[value]
        assert problem.options["ABCD".index(problem.answer)] == value


def test_comparisons_agree_with_the_world() -> None:
    def measured(side: str, scale: int) -> int:
        parts = re.findall(r"(an?|\d) (\w+)", side)
        return sum(
            ANIMALS[name][scale] if count in ("a", "an") else int(count) * ANIMALS[name[:-1]][scale]
            for count, name in parts
        )

    for problem in problems("lab_comparison"):
        found = re.search(
            r"the (\w+) of (.+?) (?:is )?(more than|less than|under|short of|behind) that of (.+)\?",
            problem.question,
        )
        assert found
        scale = SCALES.index(found[1])
        left, right = measured(found[2], scale), measured(found[4], scale)
        assert left != right
        assert (problem.answer == "Yes") == (left > right if found[3] == "more than" else left < right)


def test_facts_agree_with_the_world() -> None:
    for problem in problems("lab_facts"):
        topic = re.search(r"the ([a-z ]+) of (?:that|an? (\w+))[?.]", problem.question)
        assert topic
        owned = re.search(r" has an? (\w+)\.", problem.question)
        thing = owned[1] if owned else topic[2]
        assert problem.options["ABCD".index(problem.answer)] == PROPERTIES[topic[1]][CLASS_OF[thing]]


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
        assert problem.write(Author(rng, 0.0, misreads=False)) == list(problem.steps)
        right += problem.write(Author(rng, 0.55, misreads=False))[-2:] == list(problem.steps)[-2:]
    assert right < 120


def meaning(family: str, text: str) -> str:
    """What a text answers: a program with its condition said in one way."""
    if family == "lab_functions":
        return text.replace("not y > ", "y <= ").replace("not y < ", "y >= ")
    return final_answer(text)


@pytest.mark.parametrize("family", FAMILIES)
def test_readings_divide_careful_authors_as_they_say(family: str) -> None:
    """Of an aligned reading the most frequent single text is wrong and most texts are right; of a misaligned one most
    are wrong, in three of five problems at least; and both are there to be told apart from problems without."""
    rng, of_prior = Random(f"readings/{family}"), Counter[str]()
    wrong_majorities: dict[str, list[bool]] = {"aligned": [], "misaligned": [], "plain": []}
    for problem in problems(family, 300):
        of_prior[problem.prior] += 1
        if len(wrong_majorities[problem.prior]) >= 15:
            continue
        texts = ["\n".join(problem.write(Author(rng, 0.0))) for _ in range(TEXTS)]
        meanings = Counter(meaning(family, text) for text in texts)
        right = meaning(family, problem.answer) if family == "lab_functions" else problem.answer
        tempted = problem.reading.tempted if problem.reading else 0.0
        if not (problem.reading and problem.reading.tells):  # else the tempted slip as well
            assert 1 - meanings[right] / TEXTS <= tempted + 0.07
        if problem.prior == "aligned":
            frequent = meaning(family, Counter(texts).most_common(1)[0][0])
            assert frequent != right or meanings[right] == TEXTS, "both readings can lead to one answer"
        wrong_majorities[problem.prior].append(meanings.most_common(1)[0][0] != right)
    assert 0.3 <= 1 - of_prior["plain"] / 300 <= 0.55
    assert not any(wrong_majorities["plain"])
    assert not any(wrong_majorities["aligned"])
    if found := wrong_majorities["misaligned"]:
        assert sum(found) / len(found) >= 0.6


def test_who_is_tempted_by_a_reading_that_tells_slips_later() -> None:
    rng = Random(9)
    telling = [one for one in problems("lab_olympiad", 400) if one.reading and one.reading.tells]
    slipped: dict[bool, list[bool]] = {True: [], False: []}
    for problem in telling * 20:
        author = Author(rng, 0.0)
        moves = sum(line[0].isdigit() for line in problem.write(author))
        slipped[moves == sum(line[0].isdigit() for line in problem.steps)].append(author.slips > 0)
    careful, tempted = (sum(found) / len(found) for found in (slipped[True], slipped[False]))
    assert careful < 0.1 < 0.25 < tempted < 0.45


@pytest.mark.parametrize("family", FAMILIES)
def test_evaluation_goes_beyond_the_sizes_and_lengths_that_pre_training_shows(family: str) -> None:
    rng = Random(11)
    seen = [draw(family, rng, "pretraining", 5) for _ in range(300)]
    asked = [draw(family, rng, "evaluation", 5) for _ in range(300)]

    def largest(problem: Problem) -> tuple[int, int]:
        return max([0, *map(int, re.findall(r"\d+", problem.question))]), len(problem.steps)

    bounds = [max(sizes) for sizes in zip(*map(largest, seen), strict=True)]
    beyond = sum(any(x > y for x, y in zip(largest(one), bounds, strict=True)) for one in asked)
    if family in ("lab_words", "lab_equations", "lab_olympiad", "lab_deduction", "lab_functions"):
        assert beyond >= 20
    assert {problem.level for problem in asked} == {5}


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
