"""The lives of Ray workers: started, given requests, listened to, and replaced when they die."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any

from genius_bench.engines.background import BackgroundLoop
from genius_bench.engines.handing_out import HandingOut, Outcome, Place, Task
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import EngineLostError, GeniusBenchError
from genius_bench.printing import note

LOADING_TRIES = 3
"""Workers that may die one after the other while they load the model, before their place is given up."""
BARREN_LIVES = 12
"""Workers that may die one after the other in one place without having answered anything."""
PROOF_TOKENS = 16
"""How much of a request that a worker has answered is asked of every new one."""
PLACED_SECONDS = 60.0
"""After which a worker that is nowhere yet is said to wait for room, and nobody counts on it."""
FAREWELL_SECONDS = 20.0
"""For an engine to end by itself."""
KEPT = "what is finished is kept: run the same command again to continue"


class Workforce:
    """Runs in a thread with an event loop of its own, so that callers may come from any loop, one after the other.

    `start_worker` makes an actor. Its `open` gets `opening` and a proof: a request that a worker has answered, or the
    one given here as long as there is none.
    """

    def __init__(
        self,
        ray: Any,
        handing: HandingOut,
        start_worker: Callable[[], Any],
        opening: tuple[Any, ...],
        proof: Request,
    ) -> None:
        self._ray = ray
        self._handing = handing
        self._start_worker = start_worker
        self._opening = opening
        self._proof = proof
        self._workers: dict[int, Any] = {}
        self._arrivals: deque[Task] = deque()
        self._told = False
        self._lives: list[Future[None]] = []
        self._given_up = 0
        self._first: Future[int | None] = Future()
        self._loop = BackgroundLoop()

    def start(self) -> int | None:
        """Starts all workers; returns the model's context length as soon as the first is ready.

        Raises what kept them from getting ready: the engine's own error where there is one.
        """
        self._lives = [self._loop.start(self._keep(place)) for place in self._handing.places]
        return self._first.result()

    def hand_in(self, task: Task) -> None:
        """From any thread."""
        self._arrivals.append(task)
        if not self._told:  # those that come in the meantime are taken in together
            self._told = True
            self._loop.start(self._take_in())

    def close(self) -> None:
        """Lets the workers end their engines, then ends the workers."""
        self._loop.run(self._end())
        self._loop.close()

    async def _take_in(self) -> None:
        self._told = False
        while self._arrivals:
            self._handing.add(self._arrivals.popleft())
        self._distribute()

    def _distribute(self) -> None:
        for place in self._handing.places:
            if taken := self._handing.take(place):
                requests = {number: task.request for number, task in taken.items()}
                self._workers[place.number].take.remote(requests)

    async def _keep(self, place: Place) -> None:
        """One worker after the other, until the place is given up."""
        loading_deaths = barren_lives = 0
        while loading_deaths < LOADING_TRIES and barren_lives < BARREN_LIVES:
            answers = place.answers
            try:
                loaded, reason = await self._live(place)
            except Exception as error:  # even a mistake of ours must not leave everybody waiting
                self._bury(place)
                self._give_up(place, error, everywhere=True)
                return
            loading_deaths = 0 if loaded else loading_deaths + 1
            barren_lives = 0 if place.answers > answers else barren_lives + loaded
        doing = "while loading the model" if loading_deaths else "before they had answered anything"
        times = max(loading_deaths, barren_lives)
        deaths = GeniusBenchError(f"{times} Ray workers died one after the other {doing}, the last: {reason}")
        self._give_up(place, deaths, everywhere=False)

    async def _live(self, place: Place) -> tuple[bool, str]:
        """One worker from beginning to end: whether it got ready, and what it died of. Raises the engine's errors."""
        await asyncio.to_thread(self._check_cluster)
        worker = self._workers[place.number] = self._start_worker()
        place.expected, loaded, name = True, False, ""
        try:
            name = await self._placed(place, worker)
            context_length = await worker.open.remote(*self._opening, self._proof)
            place.expected, place.ready, loaded = False, True, True
            if not self._first.done():
                self._first.set_result(context_length)
            while True:
                self._distribute()
                self._settle(place, await worker.finished.remote())
        except (self._ray.exceptions.RayError, EngineLostError) as death:
            error = getattr(death, "cause", None)
            if isinstance(error, Exception) and not isinstance(error, EngineLostError):
                raise error from None
            reason = cause_of(error or death)
            held = self._bury(place)
            passed_on = f"; requests that it had, and that are tried again: {held}" if held else ""
            note(f"Ray worker {place.number + 1}{name} died: {reason}{passed_on}")
            return loaded, reason

    async def _placed(self, place: Place, worker: Any) -> str:
        """Where the worker is, once there is room for it."""
        answer = asyncio.ensure_future(worker.place.remote())
        while not (await asyncio.wait([answer], timeout=PLACED_SECONDS))[0]:
            await asyncio.to_thread(self._check_cluster)
            if place.expected:
                note(f"Ray worker {place.number + 1} waits for room in the cluster")
            place.expected = False
        where = await answer
        place.expected = True
        return f" ({where})"

    def _check_cluster(self) -> None:
        """Raises `GeniusBenchError` where Ray has ended on this machine: then we can start workers nowhere."""
        here = self._ray.get_runtime_context().get_node_id()
        if not any(node["Alive"] for node in self._ray.nodes() if node["NodeID"] == here):
            raise GeniusBenchError("Ray has ended on this machine")

    def _settle(self, place: Place, answers: Iterable[tuple[int, Outcome]]) -> None:
        """Raises `EngineLostError` where the worker lives, but not its engine."""
        for number, outcome in answers:
            if isinstance(outcome, EngineLostError):
                raise outcome
            task = self._handing.finish(place, number, outcome)
            if task and isinstance(outcome, Completion):
                tokens = min(task.request.max_tokens, PROOF_TOKENS)
                self._proof = replace(task.request, max_tokens=tokens, then=None)

    def _bury(self, place: Place) -> int:
        """Makes sure that the worker is dead; returns how many requests it had."""
        place.expected = False
        held = self._handing.leave(place)
        with suppress(Exception):
            self._ray.kill(self._workers[place.number])
        self._distribute()
        return held

    def _give_up(self, place: Place, reason: Exception, *, everywhere: bool) -> None:
        """No worker will be started here again. `everywhere`: as long as none has got ready, none will elsewhere."""
        self._given_up += 1
        nobody_left = self._given_up == len(self._handing.places)
        if not self._first.done():
            if everywhere or nobody_left:
                self._first.set_exception(reason)
        elif nobody_left:
            self._handing.fail(EngineLostError(f"no Ray worker is left: {reason}; {KEPT}"))
        else:
            note(f"Ray worker {place.number + 1} is given up, the others go on: {reason}")

    async def _end(self) -> None:
        farewells = [
            self._workers[place.number].close.remote() for place in self._handing.places if place.ready
        ]
        for life in self._lives:
            life.cancel()
        if farewells:
            await asyncio.wait([asyncio.ensure_future(one) for one in farewells], timeout=FAREWELL_SECONDS)
        for worker in self._workers.values():
            with suppress(Exception):
                self._ray.kill(worker)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


def cause_of(death: Exception) -> str:
    """What Ray says of a death, in a few words: its own explanations are long and guess a lot."""
    text = str(death)
    if isinstance(death, EngineLostError):
        return text.partition(";")[0]
    if "low on memory" in text:
        return "Ray ended it because its machine was running low on memory"
    if "connection error code 2" in text:
        return "its process was killed or crashed"
    detail = text.partition("Worker exit detail: ")[2] or text.strip().rpartition("\n")[2]
    return (detail.partition(". ")[0].rstrip(".") or type(death).__name__)[:300]
