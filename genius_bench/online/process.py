"""What every process of an online training does, the only one or one of many: sample → reward → update."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing

import torch

from genius_bench.artifacts import Build
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.loading import pick_device
from genius_bench.online.job import OnlineJob
from genius_bench.online.learner import Learner, Line
from genius_bench.online.processes import Processes, meet
from genius_bench.online.rollouts import Row, Shelf, draw, give_advantages
from genius_bench.online.sampler import Beside, sampler_of
from genius_bench.online.signals import signals
from genius_bench.rows import Query
from genius_bench.sampling.policy import Policy
from genius_bench.training.messages import Voice


def learn(job: OnlineJob, build: Build, voice: Voice, *, processes: int = 1, process: int = 0) -> None:
    """Until the state of the last step is whole on disk.

    Where there are several processes, each calls this with its number. Raises `InputError` for a reward that is no
    finite number, and where training becomes unstable; the last good state stays.
    """
    together = meet(processes, process)
    learner = Learner(
        job.policy.path,
        job.objective,
        job.training,
        precision=job.precision,
        device=_device(job.engine.device),
        steps=job.steps,
        updates=job.method.options.updates,
        has_teacher=job.method.teacher_weight(0.0) is not None,
        held_by=job.method.reference,
        together=together,
        say=voice.say,
    )
    learner.restore(job.state)
    shelf = Shelf(build)
    with ExitStack() as work:
        sampler = work.enter_context(closing(sampler_of(job, learner.model, moved=learner.step > 0)))
        policy, teacher = Policy(sampler, job.seed), None
        if learner.teacher is not None:
            teacher = Policy(HFEngine(job.policy.path, job.engine, learner.teacher.model), job.seed)
        show = _curves(job, build, learner.step, work) if process == 0 else None
        advance = work.enter_context(
            voice.show(f"{job.method.title}: training", job.steps, "steps", done=learner.step)
        )
        for step in range(learner.step + 1, job.steps + 1):
            rollouts = together.told(shelf.find(step) if process == 0 else None)
            if rollouts is None:
                asked = [job.queries[place] for place in job.plan.rows_of(step - 1)]
                reread = isinstance(sampler, Beside)
                drawn = _draw(job, learner, policy, teacher, together, asked, step, reread=reread)
                counts = _sum(together.gathered([_counts(policy, teacher)]))
                rollouts = together.told(shelf.keep(step, drawn, counts) if process == 0 else drawn)
            line = learner.update(rollouts)
            if isinstance(sampler, Beside) and line["updated"]:
                sampler.follow()
            learner.log.append(line | signals(rollouts))
            if learner.teacher is not None:
                weight = job.method.teacher_weight(learner.step / job.steps)
                assert weight is not None
                learner.teacher.follow(weight)
            if process == 0:
                _save(job, learner)
            if show is not None:
                show(learner.log[-1])
            advance(1)


def _draw(
    job: OnlineJob,
    learner: Learner,
    policy: Policy,
    teacher: Policy | None,
    together: Processes,
    asked: list[Query],
    step: int,
    *,
    reread: bool,
) -> list[Row]:
    """A step's rollouts with their advantages, of which each process makes a share; `reread` where an engine beside the
    trainer has drawn them."""
    with learner.computing():
        mine = asyncio.run(draw(job.method, policy, teacher, together.share(asked), step, job.rephrased))
    drawn, group = together.gathered(mine), job.method.options.group
    trained = [row for row in drawn if row["number"] < group]
    if reread:
        learner.reread(trained)
    give_advantages(drawn, learner.penalties(trained), job.objective, group)
    return drawn


def _save(job: OnlineJob, learner: Learner) -> None:
    every = job.training.eval_every
    keep = every is not None and learner.step % every == 0
    if keep or learner.step % job.training.checkpoint_every == 0 or learner.step == job.steps:
        learner.save(job.states, keep=keep)


def _curves(job: OnlineJob, build: Build, done: int, work: ExitStack) -> Callable[[Line], None] | None:
    """Shows a step's line in TensorBoard, where that is wanted."""
    if job.training.report_to == "none":
        return None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(build.path / "tensorboard"), purge_step=done + 1)
    work.callback(writer.close)

    def show(line: Line) -> None:
        for name, value in line.items():
            writer.add_scalar(f"train/{name}", value, int(line["step"]))

    return show


def _device(wanted: str) -> str:
    """A process's own accelerator, where there is one."""
    device = pick_device(wanted)
    if device != "cuda":
        return device
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return f"cuda:{torch.cuda.current_device()}"


def _counts(policy: Policy, teacher: Policy | None) -> dict[str, int]:
    """Tokens of both."""
    return _sum([policy.take_counts(), *([teacher.take_counts()] if teacher else [])])


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
