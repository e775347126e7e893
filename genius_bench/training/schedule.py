"""How many optimiser steps a training has, and after which of them a checkpoint is kept."""

from math import ceil

from genius_bench.recipe import TrainingSection


def optimiser_steps(rows: int, training: TrainingSection) -> int:
    """Steps of the whole training; the last one of an epoch may hold fewer rows."""
    return ceil(rows / training.batch_size) * training.epochs


def steps_on_the_way(rows: int, training: TrainingSection) -> range:
    """After which steps `training.eval_every` keeps a checkpoint; the last step leaves the checkpoint itself."""
    every = training.eval_every
    return range(every, optimiser_steps(rows, training), every) if every else range(0)
