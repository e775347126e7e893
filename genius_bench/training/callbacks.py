"""How a training shows itself: our progress line instead of Trainer's, and TensorBoard events."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations import TensorBoardCallback
from transformers.utils import logging

from genius_bench.progress import Advance


class StepProgress(TrainerCallback):
    """Tells `advance` about every optimiser step."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.advance(1)


def tensorboard(folder: Path, steps_done: int) -> TrainerCallback:
    """Events under `folder`; those that an interrupted attempt wrote after its last state are replaced."""
    from torch.utils.tensorboard import SummaryWriter

    return TensorBoardCallback(SummaryWriter(str(folder), purge_step=steps_done + 1))


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers' own bars and remarks off the terminal."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
