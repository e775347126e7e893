"""Handing out against a made-up world in which some requests kill whoever has them, played many times."""

import random
from collections import Counter

import pytest

from genius_bench.engines.handing_out import HandingOut, Outcome, Place, Task
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import EngineLostError, WorkerKilledError

ANSWER = Completion(token_ids=(), text="", logprobs=(), finish_reason="eos")


class World:
    """Workers that take a while, die of some requests, and come back; remembers what became of every request."""

    def __init__(self, seed: int, workers: int, capacity: int, requests: int, deadly: int) -> None:
        self.chance = random.Random(seed)
        self.handing = HandingOut(workers, capacity, describe=lambda request: f"number {request.seed}")
        self.deadly = set(self.chance.sample(range(requests), deadly))
        self.outcomes: dict[int, Outcome] = {}
        self.deaths = 0
        for place in self.handing.places:
            place.ready = True
        for number in range(requests):
            self.ask(number)

    def ask(self, number: int) -> None:
        request = Request(prompt_ids=(number // 10,), max_tokens=1, seed=number)

        def settle(outcome: Outcome) -> None:
            assert number not in self.outcomes, "told twice"
            self.outcomes[number] = outcome

        self.handing.add(Task(request, settle))

    def play(self, requests: int) -> None:
        turns = 0
        while len(self.outcomes) < requests:
            turns += 1
            assert turns < 100_000, "nothing moves any more"
            for place in self.handing.places:
                self.handing.take(place)
            place = self.chance.choice(self.handing.places)
            if not place.ready:
                self.come_back(place)
            elif place.holding:
                self.work(place)

    def work(self, place: Place) -> None:
        number = self.chance.choice(list(place.holding))
        if place.holding[number].request.seed in self.deadly:
            self.deaths += 1
            self.handing.leave(place)
        else:
            self.handing.finish(place, number, ANSWER)

    def come_back(self, place: Place) -> None:
        """At once, after a while that can be counted on, or after one that cannot."""
        place.expected = self.chance.random() < 0.5
        place.ready = self.chance.random() < 0.3
        if place.ready:
            place.expected = False


@pytest.mark.parametrize("seed", range(200))
def test_the_deadly_are_convicted_and_nobody_else(seed: int) -> None:
    chance = random.Random(seed)
    requests, deadly = chance.randint(2, 300), chance.choice([0, 1, 1, 2, 5])
    deadly = min(deadly, requests)
    world = World(seed, chance.randint(1, 5), chance.choice([1, 4, 64, 320]), requests, deadly)
    world.play(requests)
    convicted = {n for n, outcome in world.outcomes.items() if isinstance(outcome, WorkerKilledError)}
    assert convicted == world.deadly
    assert all(world.outcomes[n] is ANSWER for n in range(requests) if n not in convicted)
    assert world.deaths == 3 * deadly or (deadly > 1 and world.deaths <= 3 * deadly)
    assert all(f"number {n}" in str(world.outcomes[n]) for n in convicted)


def test_nobody_is_convicted_by_workers_that_die_of_everything() -> None:
    world = World(0, workers=1, capacity=8, requests=20, deadly=20)
    [place] = world.handing.places
    for _ in range(12):
        place.ready = True
        world.handing.take(place)
        world.handing.leave(place)
    assert world.outcomes == {}
    lost = EngineLostError("all workers are gone")
    world.handing.fail(lost)
    assert list(world.outcomes.values()) == [lost] * 20
    world.ask(20)
    assert world.outcomes[20] is lost


def test_prompts_that_begin_alike_go_to_one_worker_unless_it_is_busier() -> None:
    handing = HandingOut(4, 80, describe=str)
    for place in handing.places:
        place.ready = True
    chosen: dict[int, Counter[int]] = {}
    for number in range(240):
        prompt = (
            number % 24,
            *range(300),
            number,
        )  # 24 beginnings, ten of each; they differ after 256 tokens
        task = Task(Request(prompt_ids=prompt, max_tokens=1, seed=0), lambda outcome: None)
        handing.add(task)
        [holder] = [place for place in handing.places if task in place.waiting]
        chosen.setdefault(number % 24, Counter())[holder.number] += 1
    loads = [place.load for place in handing.places]
    assert max(loads) - min(loads) <= 80 // 8 + 1
    together = sum(counts.most_common(1)[0][1] for counts in chosen.values())
    assert together > 240 * 0.6, "by chance it would be about 0.4"


def test_an_idle_worker_takes_what_waits_elsewhere() -> None:
    handing = HandingOut(2, 2, describe=str)
    first, second = handing.places
    first.ready = True
    for number in range(10):
        handing.add(Task(Request(prompt_ids=(1,), max_tokens=1, seed=number), lambda outcome: None))
    assert [task.request.seed for task in handing.take(first).values()] == [0, 1]
    second.ready = True
    assert [task.request.seed for task in handing.take(second).values()] == [2, 3]


def test_the_abandoned_are_not_handed_out() -> None:
    handing = HandingOut(1, 2, describe=str)
    [place] = handing.places
    place.ready = True
    tasks = [Task(Request(prompt_ids=(1,), max_tokens=1, seed=n), lambda outcome: None) for n in range(3)]
    for task in tasks:
        handing.add(task)
    tasks[0].abandoned = True
    assert list(handing.take(place).values()) == tasks[1:]
