"""Gold answers of `plain` follow from the questions alone: each family is solved here in another way, from its text."""

import re
from collections.abc import Callable
from datetime import datetime
from itertools import permutations

import pytest

from genius_bench.plain.items import evaluation_items

COUNT = 150
IN_SMALLER = {
    ("hours", "minutes"): 60, ("minutes", "seconds"): 60, ("days", "hours"): 24, ("weeks", "days"): 7,
    ("years", "months"): 12, ("metres", "centimetres"): 100, ("kilometres", "metres"): 1000,
    ("kilograms", "grams"): 1000, ("litres", "millilitres"): 1000, ("feet", "inches"): 12,
}  # fmt: skip
SIGNS = {"more.": 1, "gives": -1, "buys": 1}


def sums(question: str, level: int) -> str:
    numbers = [int(number) for number in re.findall(r"\d+", question)]
    if level < 4:
        first, second = numbers
        return str(abs(first - second) if "left" in question or " than " in question else first + second)
    if level == 4:
        start = numbers[0]
        changes = re.findall(r"(buys|gives) (\d+)", question)
        return str(start + sum(SIGNS[verb] * int(amount) for verb, amount in changes))
    many, cheap, few, dear, money = numbers
    return str(abs(many * cheap + few * dear - money))


def comparison(question: str, level: int) -> str:
    told, asked = question.split("Who is the ")
    if level < 3:
        values = {name: int(value) for name, value in re.findall(r"([A-Z]\w+)\D+?(\d+)", told)}
        least = asked in ("youngest?", "shortest?", "lightest?")
        return (min if least else max)(values, key=lambda name: values[name])
    facts = re.findall(r"(\w+) is (\w+) than (\w+)\.", told)
    names = sorted({name for one, _, two in facts for name in (one, two)})
    [order] = [
        order
        for order in permutations(names)
        if all(
            (order.index(one) < order.index(two)) == (how in ("older", "taller", "heavier"))
            for one, how, two in facts
        )
    ]
    if asked.split()[-1] in ("youngest?", "shortest?", "lightest?"):
        order = order[::-1]
    return order[1 if asked.startswith("second") else 0]


def units(question: str, level: int) -> str:
    if level == 4:
        begun, ended = (datetime.strptime(time, "%H:%M") for time in re.findall(r"\d+:\d\d", question))
        return str((ended - begun).seconds // 60)
    if level == 5:
        pace, whole, rest = map(int, re.findall(r"\d+", question))
        value = pace * (whole * 60 + rest) / 60
        assert value == int(value)
        return str(int(value))
    [smaller] = re.findall(r"How many (\w+) are", question)
    amounts = [(int(count), unit) for count, unit in re.findall(r"(\d+) (\w+)", question)]
    values = [count if unit == smaller else count * IN_SMALLER[unit, smaller] for count, unit in amounts]
    return str(sum(values))


def facts(question: str, level: int) -> str:
    jobs = {job: name for name, job in re.findall(r"(\w+) is a (\w+)\.", question)}
    towns = dict(re.findall(r"(\w+) lives in (\w+)\.", question))
    if found := re.search(r"Who is the (\w+)\?$", question):
        return str(jobs[found[1]])
    if found := re.search(r"In which town does the (\w+) live\?$", question):
        return str(towns[jobs[found[1]]])
    found = re.search(r"In which town does (\w+) live\?$", question)
    assert found
    return str(towns[found[1]])


SOLVERS: dict[str, Callable[[str, int], str]] = {
    "plain_sums": sums,
    "plain_comparison": comparison,
    "plain_units": units,
    "plain_facts": facts,
}


@pytest.mark.parametrize("task", SOLVERS)
@pytest.mark.parametrize("split", ["evaluation", "tuning", "seed-3"])
def test_gold_answers_follow_from_the_questions(task: str, split: str) -> None:
    for item in evaluation_items(task, split, 100 if split == "tuning" else COUNT):
        assert item["answer"] == SOLVERS[task](item["question"], item["level"]), item["question"]


def test_numbers_asked_for_are_whole_and_positive() -> None:
    for task in ("plain_sums", "plain_units"):
        assert all(int(item["answer"]) > 0 for item in evaluation_items(task, count=COUNT))


def test_names_to_choose_from_are_those_of_the_question_and_none_is_within_another() -> None:
    for task in ("plain_comparison", "plain_facts"):
        for item in evaluation_items(task, count=COUNT):
            options = item["options"]
            assert item["answer"] in options
            assert len(set(options)) == len(options) >= 2
            assert all(re.search(rf"\b{name}\b", item["question"]) for name in options)
            assert not any(one != two and one in two for one in options for two in options)


def test_every_demand_on_the_form_is_told_in_the_question() -> None:
    told = {"includes": 'word "{}"', "begins": 'Begin your answer with "{}"', "ends": 'end it with "{}"'}
    told |= {"bullets": "a list of exactly {} short points", "lowercase": "only small letters"}
    for item in evaluation_items("plain_formats", count=COUNT):
        for check in item["tests"]:
            name, _, wanted = check.partition(" ")
            if name == "sentences":
                wording = "one sentence" if wanted == "1" else f"exactly {wanted} sentences"
            else:
                wording = told[name].format(wanted)
            assert wording in item["question"]
