"""The policy in training: one module in memory, which the engine samples with and the optimiser moves."""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import accumulate, compress
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import get_scheduler

from genius_bench.errors import InputError
from genius_bench.objectives.online.batch import TokenBatch
from genius_bench.objectives.online.objective import TokenObjective
from genius_bench.online.processes import Processes
from genius_bench.online.reading import Reading, by_row, log_probabilities
from genius_bench.online.rollouts import Row, groups_of
from genius_bench.online.teacher import Teacher
from genius_bench.printing import note
from genius_bench.recipe import TrainingSection
from genius_bench.training.attention import choose_attention
from genius_bench.training.collator import Batch
from genius_bench.training.holdings import Replicated
from genius_bench.training.policy import load_policy, with_adapters
from genius_bench.training.saved_state import (
    read_part,
    seal,
    seal_state,
    step_of,
    weights_are_finite,
    write_part,
    write_weights,
)

LOG = "log.json"
SAMPLER, TRAINER = "sampled_logps", "trainer_logps"
"""Log-probabilities of a row by the weights that drew it: the engine's, and the trainer's where they differ."""
COUNTED = ("rows_trained", "tokens_trained")
"""What is summed over the updates of a step."""
Line = dict[str, float]
"""What is logged of a step."""


class Learner:
    """A policy with the state of its optimiser; `log` has a line for every step that it has made."""

    def __init__(
        self,
        policy: Path,
        objective: TokenObjective,
        training: TrainingSection,
        *,
        precision: str,
        device: str,
        steps: int,
        updates: int = 1,
        has_teacher: bool = False,
        held_by: Literal["base", "teacher"] = "base",
        together: Processes | None = None,
        say: Callable[[str], None] = note,
    ) -> None:
        """`updates` is the number of optimiser steps on what a step has drawn; `held_by` is what the divergence is
        measured from; `together` are the processes that learn the same. Raises `InputError` where the policy cannot
        be loaded.
        """
        self._together = together or Processes()
        self.objective, self.training, self.precision, self.steps = objective, training, precision, steps
        self._updates = updates
        self.model = (
            with_adapters(load_policy(policy, training.lora, precision), training.lora).to(device).eval()
        )
        self.teacher = Teacher(self.model) if has_teacher else None
        self._reference = None
        if objective.needs_reference and self.teacher is not None and held_by == "teacher":
            self._reference = self.teacher.model
        elif objective.needs_reference:
            self._reference = load_policy(policy, training.lora, precision).to(device).eval()
            self._reference.requires_grad_(False)
        for model in (self.model, self.teacher and self.teacher.model, self._reference):
            if model is not None and training.attention != "auto":
                choose_attention(model, training.attention, precision)
        if training.gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
            self.model.enable_input_require_grads()
        self._trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(
            _groups(self._trained, training.weight_decay), training.learning_rate
        )
        self._schedule: Any = get_scheduler(
            training.schedule, self._optimizer, int(training.warmup * steps), steps
        )
        self._reading = Reading(training, precision, say)
        self.log: list[Line] = []

    @property
    def step(self) -> int:
        """Steps that have been made."""
        return len(self.log)

    def computing(self) -> AbstractContextManager[Any]:
        """In which both sides compute, so that their log-probabilities are of the same precision."""
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def update(self, rollouts: Sequence[Row]) -> Line:
        """A step's updates on what was drawn in it, and its line; none where all groups are silent.

        What is logged is the mean over updates. Raises `InputError`, and has changed nothing by that update, where the
        loss or its gradient is no longer a finite number.
        """
        rows = [row for row in rollouts if row["advantage"] is not None]
        for group in self._optimizer.param_groups:  # by the step alone, whether or not those before it moved
            group["lr"] = self.training.learning_rate * self._schedule.lr_lambdas[0](self.step)
        line: Line = {"step": self.step + 1, "learning_rate": self._optimizer.param_groups[0]["lr"]}
        size = len(rows) // self._updates
        moved = [
            self._moved(some)
            for some in (rows[start : start + size] for start in range(0, len(rows), size))
            if any(row["advantage"] for row in some if self._is_trained(row))
        ]
        line["updated"] = float(len(moved))
        for name in moved[0] if moved else ():
            total = sum(one[name] for one in moved)
            line[name] = total if name in COUNTED else total / len(moved)
        return line

    def _moved(self, rows: list[Row]) -> Line:
        """One optimiser step."""
        trained = [self._is_trained(row) for row in rows]
        lengths = [len(row["response_ids"]) * kept for row, kept in zip(rows, trained, strict=True)]
        weights = self.objective.weights(lengths)[trained]
        rows = list(compress(rows, trained))
        self._reading.choose(self.model, rows)
        mine = self._share(rows)
        sums: dict[str, float] = {}
        self.model.train()
        with self._reading.attending(self.model, self._reference):
            for start in range(mine.start, mine.stop, self.training.micro_batch_size):
                part = slice(start, min(start + self.training.micro_batch_size, mine.stop))
                loss, totals = self.objective(self._batch(rows[part], weights[part]))
                loss.backward()
                means = {name: float(total) / sum(lengths) for name, total in totals.items()}
                _add(sums, {"loss": loss.item(), **means})
        self.model.eval()
        sums = self._of_all(sums)
        norm = float(clip_grad_norm_(self._trained, self.training.max_grad_norm))
        for what, value in (("the loss", sums["loss"]), ("the gradient's norm", norm)):
            if not isfinite(value):
                raise self._unstable(f"{what} is {value}")
        self._optimizer.step()
        self._optimizer.zero_grad()
        tokens = sum(lengths) + sum(len(row["prompt_ids"]) for row in rows)
        return {**sums, "grad_norm": norm, "rows_trained": len(rows), "tokens_trained": tokens}

    def _share(self, rows: Sequence[Row]) -> slice:
        """Where this process's groups lie."""
        ends = [0, *accumulate(len(group) for group in groups_of(rows))]
        mine = self._together.span(len(ends) - 1)
        return slice(ends[mine.start], ends[mine.stop])

    def _of_all(self, sums: dict[str, float]) -> dict[str, float]:
        """Those of all processes, which have the sum of all gradients from then on."""
        for weight in self._trained:
            if weight.grad is None:  # no row was left for this process
                weight.grad = torch.zeros_like(weight)
        self._together.add_up(weight.grad for weight in self._trained if weight.grad is not None)
        total: dict[str, float] = {}
        for one in self._together.gathered([sums]):
            _add(total, one)
        return total

    def _is_trained(self, row: Row) -> bool:
        whole = len(row["prompt_ids"]) + len(row["response_ids"]) <= self.training.max_length
        return row["finish_reason"] != "length" and whole

    def penalties(self, rows: Sequence[Row]) -> list[float]:
        """β·KL of every response to the reference, which is to be taken from its reward; 0 where it is in the loss."""
        if not self.objective.kl_in_reward:
            return [0.0] * len(rows)
        self._reading.choose(self.model, rows)
        mine, found = rows[self._share(rows)], []
        size = self.training.micro_batch_size
        with self._reading.attending(self._reference):
            for part in (mine[start : start + size] for start in range(0, len(mine), size)):
                batch = self._reading.batch(part, self.model.device)
                drawing, mask = _told(part, batch, TRAINER if TRAINER in part[0] else SAMPLER)
                reference = self._of_reference(batch)
                assert reference is not None
                found += self.objective.penalties(drawing, reference, mask).tolist()
        return self._together.gathered(found)

    def reread(self, rows: Sequence[Row]) -> None:
        """Gives them what the trainer says of their tokens, where an engine with the same weights has drawn them."""
        self._reading.choose(self.model, rows)
        size = self.training.micro_batch_size
        with self._reading.attending(self.model), torch.no_grad(), self.computing():
            for part in (rows[start : start + size] for start in range(0, len(rows), size)):
                now = log_probabilities(self.model, self._reading.batch(part, self.model.device))
                for row, values in zip(part, now.tolist(), strict=True):
                    row[TRAINER] = values[: len(row["response_ids"])]

    def _of_reference(self, batch: Batch) -> Tensor | None:
        if self._reference is None:
            return None
        with torch.no_grad(), self.computing():
            return log_probabilities(self._reference, batch)

    def _batch(self, rows: Sequence[Row], weights: Tensor) -> TokenBatch:
        batch = self._reading.batch(rows, self.model.device)
        with self.computing():
            now = log_probabilities(self.model, batch)
        sampled, mask = _told(rows, batch, SAMPLER)
        return TokenBatch(
            now=now,
            weights=weights.to(now.device),
            sampled=sampled,
            reference=None if self.objective.kl_in_reward else self._of_reference(batch),
            old=_told(rows, batch, TRAINER)[0] if rows[0].get(TRAINER) is not None else None,
            mask=mask,
            advantages=torch.tensor([row["advantage"] for row in rows], device=now.device),
        )

    def save(self, states: Path, *, keep: bool) -> None:
        """The state to continue from, on disk when it counts; with `keep` also the weights, to be published."""
        fragments = Replicated(self.model, self._optimizer).fragments()
        if not weights_are_finite(fragments):
            raise self._unstable("a weight is no longer a finite number")
        kept, state = states / f"kept-{self.step}", states / f"checkpoint-{self.step}"
        try:
            if keep:  # before the state: whoever continues from it has all that came before it
                write_weights(kept, fragments, 0)
                seal(kept)
            write_part(state, fragments, self._schedule, 0)
            (state / LOG).write_text(json.dumps(self.log))
            if self.teacher is not None:
                self.teacher.save(state)
            seal_state(state)
        except OSError:
            shutil.rmtree(state, ignore_errors=True)
            raise

    def restore(self, state: Path | None) -> None:
        """Goes on from a state where there is one."""
        if state is not None:
            read_part(state, Replicated(self.model, self._optimizer), self._optimizer, self._schedule)
            self.log = read_log(state)
            if self.teacher is not None:
                self.teacher.restore(state)
            assert self.step == step_of(state)

    def _unstable(self, what: str) -> InputError:
        return InputError(
            f"training stopped at step {self.step + 1} of {self.steps}: {what}; the last good state is kept. Try a "
            f"lower training.learning_rate (now {self.training.learning_rate:g}) or training.max_grad_norm "
            f"(now {self.training.max_grad_norm:g})"
        )


def read_log(state: Path) -> list[Line]:
    """The lines of all steps up to a saved state."""
    lines: list[Line] = json.loads((state / LOG).read_text())
    return lines


def _add(total: dict[str, float], more: dict[str, float]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0.0) + value


def _groups(weights: list[Any], weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; norms and biases do not."""
    matrices = [weight for weight in weights if weight.ndim > 1]
    others = [weight for weight in weights if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _told(rows: Sequence[Row], batch: Batch, by: str) -> tuple[Tensor, Tensor]:
    """What one of both has said of all response tokens, [rows, tokens], and where there are any."""
    values = [value for row in rows for value in row[by]]
    told = torch.tensor(values, device=batch["chosen_length"].device)
    return by_row(told, batch), by_row(torch.ones_like(told), batch).bool()
