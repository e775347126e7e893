"""Which worker gets which request: by what its prompt begins with, by who is busy, and with care where one may kill.

Nothing here knows of Ray or of time: workers are places that become ready, hold requests, answer them, or die.

A request that was in the hands of a dying worker is a suspect, and so are those that were there with it. Suspects are
tried again apart from all others: after one death in small company, after two alone; a third death, alone, convicts.
A deadly request thus costs three workers, however many shared the first one, and no innocent one is ever convicted
unless workers happen to die three times just where it is.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import WorkerKilledError

ALIKE_TOKENS = 256
"""Prompts that agree in so many first tokens belong together: a worker that has read one has them in its cache."""
SMALL_COMPANY = 16
"""Requests that are tried together after one death: about as many rounds as there are in one of them."""
ALONE = 2
"""Deaths after which a request is tried alone."""

Outcome = Completion | BaseException


@dataclass(eq=False)
class Task:
    """A request on its way. `settle` is called once, with what became of it."""

    request: Request
    settle: Callable[[Outcome], None]
    abandoned: bool = False
    """Nobody waits for it any more: it is not handed out, if that has not happened yet."""
    deaths: int = 0
    answers_before: int = 0
    """How many requests had been answered when a worker first died with this one in its hands."""
    likeness: int = field(init=False)

    def __post_init__(self) -> None:
        self.likeness = hash(self.request.prompt_ids[:ALIKE_TOKENS])

    @property
    def level(self) -> int:
        """0: above suspicion; 1: to be tried in small company; 2: alone."""
        return min(self.deaths, ALONE)


@dataclass(eq=False)
class Place:
    """Where a worker is, or will be."""

    number: int
    ready: bool = False
    expected: bool = False
    """A worker is being started here and has its devices already."""
    waiting: deque[Task] = field(default_factory=deque)
    holding: dict[int, Task] = field(default_factory=dict)
    answers: int = 0
    """Given here so far, by one worker or by several after each other."""

    @property
    def load(self) -> int:
        return len(self.waiting) + len(self.holding)

    @property
    def level(self) -> int | None:
        """Of the requests that the worker has (they are all of one level); None where it has none."""
        return next((task.level for task in self.holding.values()), None)


class HandingOut:
    """All open requests and who has them. `capacity` is how many a worker is given at once."""

    def __init__(self, places: int, capacity: int, describe: Callable[[Request], str]) -> None:
        self.places = [Place(number) for number in range(places)]
        self.answers = 0
        self._company = (capacity, min(SMALL_COMPANY, capacity), 1)
        self._slack = max(1, capacity // 8)
        self._describe = describe
        self._unassigned: deque[Task] = deque()
        self._suspects: tuple[deque[Task], ...] = (deque(), deque(), deque())
        self._accused: list[Task] = []
        self._handed_out = 0
        self._failure: BaseException | None = None

    def add(self, task: Task) -> None:
        """Into the queue of the worker that has read such a prompt, unless it is clearly busier than another."""
        if self._failure is not None:
            task.settle(self._failure)
            return
        reserved = self._reserved()
        ready = [place for place in self.places if place.ready and place is not reserved]
        if not ready:
            self._unassigned.append(task)
            return
        least = min(ready, key=lambda place: place.load)
        likely = max(ready, key=lambda place: hash((task.likeness, place.number)))
        chosen = likely if likely.load <= least.load + self._slack else least
        chosen.waiting.append(task)

    def take(self, place: Place) -> dict[int, Task]:
        """What the worker at `place` should be given now; it counts as handed out."""
        level = place.level
        if level is None:
            level = next((level for level in (ALONE, 1) if self._suspects[level]), 0)
        elif level == 0 and place is self._reserved():
            return {}
        taken: dict[int, Task] = {}
        while place.ready and len(place.holding) < self._company[level]:
            task = self._next(place, level)
            if task is None:
                break
            self._handed_out += 1
            taken[self._handed_out] = place.holding[self._handed_out] = task
        return taken

    def finish(self, place: Place, number: int, outcome: Outcome) -> Task | None:
        """The worker at `place` has answered, or has an error to tell; None where nobody waits for it any more."""
        self.answers += 1
        place.answers += 1
        task = place.holding.pop(number, None)
        if task is not None:
            task.settle(outcome)
        self._convict()
        return task

    def leave(self, place: Place) -> int:
        """The worker at `place` has died: what it held is suspected. Returns how many requests that were."""
        place.ready = False
        dropped, held = list(place.waiting), list(place.holding.values())
        place.waiting.clear()
        place.holding.clear()
        for task in held:
            if task.deaths == 0:
                task.answers_before = self.answers
            task.deaths += 1
            (self._accused if task.deaths > ALONE else self._suspects[task.level]).append(task)
        for task in dropped:
            self.add(task)
        self._convict()
        return len(held)

    def fail(self, error: BaseException) -> None:
        """Nobody is left: every open request, and every one to come, has this outcome."""
        self._failure = error
        for task in [*self._accused, *self._open()]:
            task.settle(error)
        for queue in (self._unassigned, self._accused, *self._suspects):
            queue.clear()
        for place in self.places:
            place.waiting.clear()
            place.holding.clear()

    def _next(self, place: Place, level: int) -> Task | None:
        """Its own, what nobody has, then the oldest of those who have most."""
        if level:
            queues: tuple[deque[Task], ...] = (self._suspects[level],)
        else:
            longest = max(self.places, key=lambda other: len(other.waiting))
            queues = (place.waiting, self._unassigned, longest.waiting)
        for queue in queues:
            while queue:
                task = queue.popleft()
                if not task.abandoned:
                    return task
        return None

    def _reserved(self) -> Place | None:
        """The worker that is given nothing more, so that it can try suspects; None where another will be free soon."""
        if not any(self._suspects):
            return None
        ready = [place for place in self.places if place.ready]
        if (
            not ready
            or any(place.expected for place in self.places)
            or any(place.level != 0 for place in ready)
        ):
            return None
        return min(ready, key=lambda place: len(place.holding))

    def _convict(self) -> None:
        """Only once the workers have shown, by another answer since, that it is not they who are ill."""
        if not self._accused:
            return
        alone = next(self._open(), None) is None
        for task in list(self._accused):
            if alone or self.answers > task.answers_before:
                self._accused.remove(task)
                reason = f"a request ended its worker {task.deaths} times, the last time alone: "
                task.settle(WorkerKilledError(reason + self._describe(task.request)))

    def _open(self) -> Iterator[Task]:
        yield from self._unassigned
        for queue in self._suspects:
            yield from queue
        for place in self.places:
            yield from place.waiting
            yield from place.holding.values()
