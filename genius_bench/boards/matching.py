"""Which runs are a cell's runs: those of which the same was done, wherever and under whatever name."""

from typing import Any

SAME_RUN = ("method", "variant", "model", "sampling", "objective")
SAME_QUERIES = ("name", "queries", "seed")
SAME_TRAINING = (
    "learning_rate",
    "batch_size",
    "epochs",
    "warmup",
    "schedule",
    "weight_decay",
    "max_grad_norm",
    "max_length",
    "lora",
)
"""What a run must share with a cell's recipe to be its run. The rest (micro batches, precision, engine, devices, …) may
differ between machines: it changes the last digits, not what was done."""


def what_was_done(recipe: Any) -> Any:
    """The parts of a recorded recipe by which runs are told apart."""
    return (
        {name: recipe[name] for name in SAME_RUN},
        {name: recipe["corpus"].get(name) for name in SAME_QUERIES},
        {name: recipe["training"].get(name) for name in SAME_TRAINING},
    )
