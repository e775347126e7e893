"""`transformers.Trainer` with an objective of log-probabilities in place of a loss of labels."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import Trainer

from genius_bench.errors import InputError
from genius_bench.objectives.interface import Objective
from genius_bench.training.collator import Batch
from genius_bench.training.log_probabilities import objective_batch
from genius_bench.training.saved_state import newest_state, seal_state, storage_failure, weights_are_finite


class ObjectiveTrainer(Trainer):
    """Trains on the mean of the objective over the rows of an optimiser step.

    The mean is exact however the step is cut into micro batches and processes, the last and smaller one included:
    `compute_loss` divides by the rows of the whole step, and says so.
    """

    loss_is_scaled_for_ga = True

    def __init__(self, *, objective: Objective, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.objective = objective
        # The name by which transformers before 5.19 knows `loss_is_scaled_for_ga`.
        self.model_accepts_loss_kwargs = True
        self._metrics: dict[str, Tensor] = {}

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], Tensor]:
        """The micro batches of one optimiser step, and their rows over all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        rows = torch.tensor(sum(len(batch["weight"]) for batch in batches), device=device)
        return batches, self.accelerator.gather(rows).sum()

    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        """This micro batch's part of the step's mean loss (processes are averaged later, hence their number)."""
        loss, metrics = self.objective(objective_batch(model, inputs))
        share = len(inputs["weight"]) * self.accelerator.num_processes / num_items_in_batch
        for name, value in metrics.items():
            self._metrics[name] = self._metrics.get(name, 0.0) + value * share
        return loss * share

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        loss: Tensor = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            raise self._unstable(f"the loss is {loss.item()}")
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if not torch.isfinite(torch.as_tensor(norm)):
            raise self._unstable(f"the gradient's norm is {float(norm)}")
        return norm

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the objective's metrics of this optimiser step (logs are written every step)."""
        means = {name: self.accelerator.gather(value).mean().item() for name, value in self._metrics.items()}
        self._metrics = {}
        super().log({**logs, **means}, start_time)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A state to continue from, with finite weights and whole on disk before it counts.

        Trainer reads `optimizer.pt` and `rng_state.pth` back with `torch.load`. That is acceptable for one reason:
        these files are written here, into this artifact's own partial folder, and never come from elsewhere.
        """
        if not weights_are_finite(self.model):
            raise self._unstable("a weight is no longer a finite number")
        state = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:
            shutil.rmtree(state, ignore_errors=True)
            raise storage_failure(error) from error
        if self.args.should_save:
            seal_state(state)

    def _unstable(self, what: str) -> InputError:
        state = newest_state(Path(self.args.output_dir))
        kept = f"the last good state is kept in {state}" if state else "no state had been saved yet"
        return InputError(
            f"training stopped at step {self.state.global_step + 1} of {self.state.max_steps}: {what}; {kept}. "
            f"Try a lower training.learning_rate (now {self.args.learning_rate:g}) or training.max_grad_norm "
            f"(now {self.args.max_grad_norm:g})"
        )
