"""The stage that has OpenCompass score a checkpoint: the artifact holds rows and numbers, and all that it wrote."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from genius_bench.artifacts import Artifact, Build, Store
from genius_bench.engines.endpoint import Endpoint
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.evaluation.scores import write_scores
from genius_bench.judging.judge import Judge, open_judge
from genius_bench.lab import MODEL_PATH
from genius_bench.opencompass import environment, sandboxing
from genius_bench.opencompass.backends import Checkpoint, JudgeDesk
from genius_bench.opencompass.benchmarks import BENCHMARKS, benchmark_called
from genius_bench.opencompass.configuration import JUDGE, Asked, write_configuration
from genius_bench.opencompass.data_layout import Layout, lay_out
from genius_bench.opencompass.relay import Backend, Journal, Relay
from genius_bench.opencompass.results import Graded, answers_per_item, read_answered, read_graded
from genius_bench.opencompass.run import Job, check_predictions, run_phase, unfinished
from genius_bench.opencompass.scores import scores_from
from genius_bench.opencompass.serving import ENDPOINT, Server, served, server_kind
from genius_bench.opencompass.task import Task, identity_of, task_for
from genius_bench.printing import note
from genius_bench.progress import progress
from genius_bench.recipe import EngineSection, EvaluationSection

HOUR = 3600.0
MINUTES_PER_PROGRAM = 10
"""LiveCodeBench gives a program some seconds for each of up to a hundred tests."""
THREADS = 256
"""Requests that OpenCompass has open at a time: enough for any server; what is too many waits in the relay."""


def why_not(task: str, *, unsafe_code: bool = False) -> str | None:
    """None when OpenCompass can score the task on this machine, else the reason."""
    if task not in BENCHMARKS:
        return f"'{task}' is not scored through OpenCompass (it scores {', '.join(BENCHMARKS)})"
    if not BENCHMARKS[task].is_code or unsafe_code:
        return None
    reason = sandboxing.why_not()
    return f"its executor runs the model's programs unguarded: {reason}" if reason else None


def evaluate(
    store: Store,
    *,
    tasks: list[str],
    model: ModelFiles | Endpoint,
    engine: EngineSection,
    settings: EvaluationSection,
    home: Path,
) -> list[Artifact]:
    """See the package."""
    judge: Judge | None = None
    if settings.judge.model and any(benchmark_called(name).is_judged for name in tasks):
        judge = open_judge(settings.judge, store.home, engine)
    wanted = [task_for(name, settings, judge) for name in tasks]
    identities = [identity_of(task, model, engine) for task in wanted]
    missing = [
        task for task, one in zip(wanted, identities, strict=True) if not store.find(one.kind, one.key)
    ]
    _check(missing)
    log = store.home / "logs" / f"server-{model.fingerprint[:12]}.log"
    server = LazyServer(model, engine, environment.find(home) if missing else home, log)
    try:
        return [
            store.make(one, lambda build, task=task: _produce(build, task, server))  # type: ignore[misc]
            for task, one in zip(wanted, identities, strict=True)
        ]
    finally:
        server.close()
        if judge:
            judge.close()


def _check(tasks: list[Task]) -> None:
    for task in tasks:
        if reason := why_not(task.card.name, unsafe_code=task.unsafe_code):
            raise InputError(f"task '{task.card.name}': OpenCompass cannot score it here: {reason}")


class LazyServer:
    """The checkpoint's server: started when a task needs answers, kept for the next one.

    A checkpoint that is behind an endpoint already has one. The log is no task's: the server outlives their artifacts.
    """

    def __init__(self, model: ModelFiles | Endpoint, engine: EngineSection, place: Path, log: Path) -> None:
        self.model, self.engine, self.environment, self._log = model, engine, place, log
        self._open = ExitStack()
        self._server: Server | None = None

    def get(self) -> Server:
        if isinstance(self.model, Endpoint):
            return Server(self.model.url, self.model.name, ENDPOINT)
        if self._server is None:
            note(f"starting a server for {self.model.name} ({server_kind()})")
            self._log.parent.mkdir(exist_ok=True)
            context = served(self.model, self.engine, self.environment, log=self._log)
            self._server = self._open.enter_context(context)
        return self._server

    def close(self) -> None:
        self._open.close()
        self._server = None


def _produce(build: Build, task: Task, server: LazyServer) -> None:
    """Continues what an interrupted attempt has left: answers and judgements that are there are not asked for again."""
    job = Job(task.card.name, build.path / "opencompass", server.environment)
    job.folder.mkdir(exist_ok=True)
    rows, ids = task.items.rows[: task.limit], task.items.ids[: task.limit]
    layout = lay_out(task.benchmark, rows, ids, task.baselines, job.folder)
    journal = Journal(job.folder / "answers.jsonl")
    try:
        _infer(job, task, layout, journal, server)
        _evaluate(job, task, layout, journal, server)
        graded = _read(job, task, layout, journal)
    finally:
        journal.close()
    found = [row for one in graded for row in one.rows]
    if all(row["error"] for row in found):
        shutil.rmtree(job.folder)  # so that the next attempt asks again
        raise GeniusBenchError(f"'{task.card.name}': not one answer: {found[0]['error_message']}")
    if not any(True for _ in build.rows()):  # rows that an interrupted attempt left are the same
        build.write_shard(found)
    scores = scores_from(task, graded, found)
    write_scores(build, scores)
    for leftover in ("data", "home", "tmp", ".cache"):
        shutil.rmtree(job.folder / leftover, ignore_errors=True)


def _infer(job: Job, task: Task, layout: Layout, journal: Journal, server: LazyServer) -> None:
    names, per_item = [asked.name for _, asked in task.asked], answers_per_item(task.benchmark)
    try:
        check_predictions(job, names, layout, per_item)
        return
    except GeniusBenchError:
        pass  # not all there yet
    answering = server.get()
    limit = task.asked[0][1].max_tokens
    checkpoint = Checkpoint(answering, server.model, server.engine, task.card.name, limit)
    title = f"{server.model.name}: {task.card.name} (opencompass)"
    try:
        with progress(title, task.total, "answers", min(len(journal), task.total)) as advance:
            backends: dict[str, Backend] = dict.fromkeys(names, checkpoint)
            with _relayed(job, task, layout, Relay(backends, journal, advance), server) as relay:
                run_phase(job, "infer")
    finally:
        checkpoint.close()
    _check_unbroken(relay, job, "infer")
    check_predictions(job, names, layout, per_item)


def _evaluate(job: Job, task: Task, layout: Layout, journal: Journal, server: LazyServer) -> None:
    note(f"{task.card.name}: OpenCompass evaluates the answers")
    if task.benchmark.is_code and not task.unsafe_code:
        sandboxing.evaluate_shut_in(job, HOUR + task.total * MINUTES_PER_PROGRAM * 60)
    elif not task.benchmark.is_judged:
        run_phase(job, "eval")
    elif task.judge is not None:
        is_local = task.judge.identity.get("kind") == "local"
        if is_local:
            server.close()  # the judge needs the memory
        desk = JudgeDesk(task.judge)
        try:
            with _relayed(job, task, layout, Relay({JUDGE: desk}, journal), server) as relay:
                run_phase(job, "eval")
        finally:
            desk.close()
            if is_local:
                task.judge.close()
        _check_unbroken(relay, job, "eval")


@contextmanager
def _relayed(job: Job, task: Task, layout: Layout, relay: Relay, server: LazyServer) -> Iterator[Relay]:
    """The relay, listening, and OpenCompass' configuration pointing to it."""
    with relay.running():
        write_configuration(
            job.configuration,
            task.benchmark,
            layout,
            [asked for _, asked in task.asked],
            relay_url=relay.url,
            tokenizer=MODEL_PATH,
            threads=THREADS,
            judge=Asked(JUDGE, 0.0, 1) if task.judge else None,
        )
        yield relay


def _check_unbroken(relay: Relay, job: Job, phase: str) -> None:
    if relay.broken:
        raise GeniusBenchError(unfinished(job, phase, relay.broken))


def _read(job: Job, task: Task, layout: Layout, journal: Journal) -> list[Graded]:
    if task.benchmark.is_judged and task.judge is None:
        return [read_answered(job, layout, asked.name, repeat, journal) for repeat, asked in task.asked]
    return [
        read_graded(job, task.benchmark, layout, asked.name, repeat, journal) for repeat, asked in task.asked
    ]
