"""What happens beside the training: our progress line instead of Trainer's, TensorBoard events, a last preparation."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.integrations import TensorBoardCallback
from transformers.utils import logging

from genius_bench.training.messages import Show


class BeforeFirstStep(TrainerCallback):
    """Calls something when the model is prepared and no step has been done."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        self.prepare = prepare

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.prepare()


class StepProgress(TrainerCallback):
    """Shows every optimiser step, from the first one on, until `work` is closed."""

    def __init__(self, description: str, show: Show, work: ExitStack) -> None:
        self.description, self.show, self.work = description, show, work

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        shown = self.show(self.description, state.max_steps, "steps", done=state.global_step)
        self.advance = self.work.enter_context(shown)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.advance(1)


class StateEvery(TrainerCallback):
    """A state also at every so many steps, beside those of `checkpoint_every`."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps == 0:
            control.should_save = True


def tensorboard(folder: Path, steps_done: int) -> TrainerCallback:
    """Events under `folder`; those that an interrupted attempt wrote after its last state are replaced."""
    from torch.utils.tensorboard import SummaryWriter

    return TensorBoardCallback(SummaryWriter(str(folder), purge_step=steps_done + 1))


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the libraries' own bars and remarks off the terminal."""
    if not torch.cuda.is_available():  # DeepSpeed, where installed, would say that it looked for a device
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
