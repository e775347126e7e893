"""`transformers.Trainer` with an objective of log-probabilities in place of a loss of labels."""

import shutil
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import Trainer

from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.objectives.interface import Objective
from genius_bench.training.batches import BatchPlan
from genius_bench.training.collator import Batch
from genius_bench.training.examples import Example
from genius_bench.training.holdings import HOLDINGS, Holdings
from genius_bench.training.log_probabilities import objective_batch
from genius_bench.training.saved_state import (
    MARKER,
    newest_state,
    read_part,
    restore_random_state,
    seal,
    seal_state,
    weights_are_finite,
    write_part,
    write_weights,
)
from genius_bench.training.sharding import check_wrapper


class AnotherProcessStoppedError(GeniusBenchError):
    """Raised where a process has to stop because another one cannot go on; that one says why."""


class ObjectiveTrainer(Trainer):
    """Trains on the mean of the objective over the rows of an optimiser step.

    The mean is exact however the step is cut into micro batches and processes, the last and smaller one included:
    `compute_loss` divides by the rows of the whole step, and says so. Rows come from the plan alone, and states are
    our own (`saved_state`): neither depends on the number of processes or on the sharding.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        objective: Objective,
        plan: BatchPlan,
        sharding: str,
        examples: list[Example],
        keep_every: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(train_dataset=examples, **arguments)
        self.keep_every = keep_every
        self.objective, self.plan, self.sharding, self.examples = objective, plan, sharding, examples
        # The name by which transformers before 5.19 knows `loss_is_scaled_for_ga`.
        self.model_accepts_loss_kwargs = True
        self._sums: dict[str, Tensor] = {}
        self._means: dict[str, float] = {}

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Says how long an epoch is, no more: `get_batch_samples` makes the batches."""
        places: list[list[int]] = [[]] * self.plan.micro_batches_per_epoch
        return DataLoader(self.train_dataset, batch_sampler=places)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], Tensor]:
        """This process's micro batches of the next optimiser step, and the step's rows over all processes."""
        step = self.state.global_step
        batches = []
        for rows, counts in self.plan.micro_batches_of(step, self.accelerator.process_index):
            batch = self.data_collator([self.examples[row] for row in rows])
            batches.append(batch | {"counted": torch.tensor(len(rows) if counts else 0)})
        return batches, torch.tensor(len(self.plan.rows_of(step)), device=device)

    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        """This micro batch's part of the step's mean loss (processes are averaged later, hence their number)."""
        loss, metrics = self.objective(objective_batch(model, inputs))
        share = inputs["counted"] * self.accelerator.num_processes / num_items_in_batch
        for name, value in {"loss": loss.detach(), **metrics}.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * share
        return loss * share

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """All processes see the same numbers here, so that they stop together when one is not finite."""
        norm = float(super()._get_grad_norm(model, grad_norm=grad_norm))
        sums = torch.stack(list(self._sums.values())).unsqueeze(0)
        means = self.accelerator.gather(sums).mean(dim=0).tolist()
        self._means = dict(zip(self._sums, means, strict=True))
        self._sums = {}
        for what, value in (("the loss", self._means.pop("loss")), ("the gradient's norm", norm)):
            if not isfinite(value):
                raise self._unstable(f"{what} is {value}")
        return norm

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the objective's metrics of this optimiser step (logs are written every step)."""
        super().log({**logs, **self._means}, start_time)
        self._means = {}

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        """Shards the model, makes sure that it is, and continues from a state where there is one."""
        prepared = super()._prepare_for_training(max_steps, train_dataloader, None)
        check_wrapper(self.model_wrapped, self.sharding, self.accelerator.num_processes)
        if resume_from_checkpoint is not None:
            read_part(Path(resume_from_checkpoint), self._holdings(), self.optimizer, self.lr_scheduler)
        return prepared

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: Trainer would load weights before they are sharded. `_prepare_for_training` does it after."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            restore_random_state(Path(checkpoint), self.accelerator.process_index)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A state to continue from, with finite weights, and whole on disk before it counts."""
        states, step = Path(self.args.output_dir), self.state.global_step
        process, fragments = self.accelerator.process_index, self._holdings().to_write()
        unstable = None
        if not weights_are_finite(fragments):
            unstable = self._unstable("a weight is no longer a finite number")
        self._agree(unstable)

        def write_state() -> None:
            write_part(state, fragments, self.lr_scheduler, process)
            if process == 0:
                self.state.save_to_json(str(state / "trainer_state.json"))

        kept, state = states / f"kept-{step}", states / f"checkpoint-{step}"
        # Before the state: whoever continues from it has all that came before it. It is there already if the training
        # died between the two.
        if self.keep_every and step % self.keep_every == 0 and not (kept / MARKER).exists():
            self._write_together(kept, lambda: write_weights(kept, fragments, process))
            if process == 0:
                seal(kept)
        self._write_together(state, write_state)
        if process == 0:
            seal_state(state)

    def _write_together(self, folder: Path, write: Callable[[], None]) -> None:
        """All processes' parts, or none at all where one of them cannot be written."""
        problem = None
        try:
            write()
        except OSError as error:
            problem = error
        try:
            self._agree(problem)
        except (GeniusBenchError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _holdings(self) -> Holdings:
        accelerator = self.accelerator
        return HOLDINGS[self.sharding](
            self.model, self.optimizer.optimizer, accelerator.process_index, accelerator.num_processes
        )

    def _agree(self, problem: Exception | None) -> None:
        """Goes on when all processes can, and raises on all of them when one cannot."""
        failed = torch.tensor([int(problem is not None)], device=self.accelerator.device)
        if self.accelerator.gather(failed).sum() > 0:
            raise problem or AnotherProcessStoppedError("another training process could not go on")

    def _unstable(self, what: str) -> InputError:
        state = newest_state(Path(self.args.output_dir))
        kept = f"the last good state is kept in {state}" if state else "no state had been saved yet"
        return InputError(
            f"training stopped at step {self.state.global_step + 1} of {self.state.max_steps}: {what}; {kept}. "
            f"Try a lower training.learning_rate (now {self.args.learning_rate:g}) or training.max_grad_norm "
            f"(now {self.args.max_grad_norm:g})"
        )
