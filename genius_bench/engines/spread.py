"""The engine `ray:…`: another engine many times over, on the devices of a Ray cluster."""

import asyncio
from contextlib import ExitStack, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.engines.handing_out import HandingOut, Outcome, Task
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import ModelFiles, load_tokenizer
from genius_bench.engines.ray_cluster import Shape, cluster, shape
from genius_bench.engines.ray_worker import Worker
from genius_bench.engines.rendering import render
from genius_bench.engines.workforce import Workforce
from genius_bench.errors import InputError
from genius_bench.offline import is_offline
from genius_bench.printing import note
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint

HELLO = (Message(role="user", content="Hello"),)
SHOWN_TOKENS = 40


class RayEngine:
    """Hands single requests to workers, each of which holds an engine of the kind that the recipe names.

    A request carries its seed, so it is answered the same whoever answers it, up to floating point. The requests of a
    worker that dies go to others, and another worker is started in its place.
    """

    def __init__(self, model: "ModelFiles | Endpoint | Path | str", settings: EngineSection) -> None:
        """Waits until the first worker is ready. Raises `InputError` for a model or an engine that cannot be spread,
        and what the engine raises in a worker."""
        self.name = settings.name
        self.workers = 1
        """Copies of the model when all have room: to be kept busy, more must be asked at a time."""
        self.context_length: int | None = None
        self._closing = ExitStack()
        place = _files(model, settings).absolute()
        self.tokenizer: Any = load_tokenizer(place, settings.chat_template)
        try:
            ray = self._closing.enter_context(cluster())
            self._workforce = self._recruit(ray, place, settings)
            self.context_length = self._workforce.start()
        except BaseException:
            self.close()
            raise

    async def generate(self, request: Request) -> Completion:
        """Raises what the worker's engine raises, `WorkerKilledError` for a request that keeps ending its workers, and
        `EngineLostError` when no worker is left."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Completion] = loop.create_future()

        def settle(outcome: Outcome) -> None:
            with suppress(RuntimeError):  # the loop of who asked may be closed by now
                loop.call_soon_threadsafe(_deliver, answer, outcome)

        task = Task(request, settle)
        self._workforce.hand_in(task)
        try:
            return await answer
        finally:
            task.abandoned = True

    def close(self) -> None:
        """Ends the workers, and the cluster if it is our own."""
        self._closing.close()

    def _recruit(self, ray: Any, place: Path, settings: EngineSection) -> Workforce:
        wanted = shape(settings, [node["Resources"] for node in ray.nodes() if node["Alive"]])
        _say(wanted)
        self.workers = wanted.workers * settings.copies
        actor = ray.remote(Worker).options(
            num_cpus=wanted.cpus, num_gpus=wanted.gpus, max_restarts=0, max_task_retries=0
        )
        # More than can be decoded together, so that a place in a batch is taken as soon as it is free.
        capacity = settings.copies * (settings.max_batch + max(1, settings.max_batch // 4))
        # Prompts are rendered here: a worker needs no template.
        inner = {"name": settings.generator, "workers": None, "chat_template": "plain"}
        workforce = Workforce(
            ray,
            HandingOut(wanted.workers, capacity, self._describe),
            start_worker=lambda: actor.remote(is_offline()),
            opening=(place, settings.model_copy(update=inner)),
            proof=Request(
                prompt_ids=render(self.tokenizer, HELLO)[:1], max_tokens=1, seed=0, temperature=0.0
            ),
        )
        self._closing.callback(workforce.close)
        return workforce

    def _describe(self, request: Request) -> str:
        """A request by a digest and the beginning of its prompt."""
        digest = blake2b(repr(request).encode(), digest_size=8).hexdigest()
        shown = self.tokenizer.decode(list(request.prompt_ids[:SHOWN_TOKENS]))
        return f"request {digest} ({len(request.prompt_ids)} tokens, beginning {shown!r})"


def _files(model: "ModelFiles | Endpoint | Path | str", settings: EngineSection) -> Path:
    """The model's folder. Raises `InputError` for a server: it spreads its requests itself."""
    if settings.generator != "openai":
        if isinstance(model, ModelFiles):
            return model.path
        if isinstance(model, Path | str):
            return Path(model)
    raise InputError(
        f"engine '{settings.name}': workers run models, a server needs none of them: use --engine openai"
    )


def _deliver(answer: "asyncio.Future[Completion]", outcome: Outcome) -> None:
    if answer.done():  # given up by who asked
        return
    if isinstance(outcome, Completion):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)


def _say(wanted: Shape) -> None:
    workers = f"{wanted.workers} worker{'s' if wanted.workers > 1 else ''} of {wanted.each}"
    lacking = ""
    if wanted.room < wanted.workers:
        lacking = f"; there is room for {wanted.room} of them, the others join when there is more"
    note(f"Ray: {workers}{lacking}")
