"""What an online training cannot be asked for: told in one line, before anything is computed."""

from genius_bench import registry
from genius_bench.errors import InputError
from genius_bench.online_method import OnlineMethod
from genius_bench.recipe import Recipe, TrainingSection

NOT_ITS_OWN = {"reference": "recompute", "report_to": "wandb"}
"""Training settings that mean nothing here."""


def check_online(recipe: Recipe, method: OnlineMethod) -> None:
    """Raises `InputError` where the recipe of an online method cannot be followed."""
    engine, training, launch = recipe.engine, recipe.training, recipe.launch
    if engine.name != "hf":
        _check_beside(recipe, method)
    elif engine.precision != "auto":
        raise InputError(
            f"engine.precision = '{engine.precision}': an online method samples in the precision that it trains in: "
            "set training.precision instead"
        )
    if launch.sharding != "none":
        raise InputError(
            f"launch.sharding = '{launch.sharding}': every process of an online training samples with all weights: "
            "leave it out"
        )
    if training.lora.dropout:
        raise InputError(
            f"training.lora.dropout = {training.lora.dropout:g}: the trainer would read other log-probabilities than "
            "the sampler: set it to 0"
        )
    for name, value in NOT_ITS_OWN.items():
        if getattr(training, name) == value and type(getattr(training, name)) is type(value):
            raise InputError(f"training.{name} = {value}: means nothing to an online method: leave it out")
    queries = queries_a_step(training, method)
    if (processes := launch.processes * max(1, len(launch.machines))) > queries:
        raise InputError(
            f"{processes} processes: a step asks {queries} queries, and none is shared by two: take fewer processes or "
            "a larger training.batch_size"
        )


def _check_beside(recipe: Recipe, method: OnlineMethod) -> None:
    """For an engine that draws with weights of its own."""
    name = recipe.engine.name
    if recipe.engine.spread or not hasattr(registry.load("engines", name), "exchange_weights"):
        raise InputError(
            f"engine '{name}': an online method hands its weights to the engine after every step, which this one "
            "cannot take: use --engine hf or vllm"
        )
    if method.teacher_weight(0.0) is not None:
        raise InputError(
            f"engine '{name}': this method asks a teacher as well, which lies in memory: use --engine hf"
        )
    if recipe.launch.launcher != "none":
        raise InputError(
            f"engine '{name}': one engine serves one training process: leave out --launcher "
            f"{recipe.launch.launcher}, or use --engine hf"
        )


def queries_a_step(training: TrainingSection, method: OnlineMethod) -> int:
    """Queries whose groups fill a batch. Raises `InputError` where a group would be cut, or one wording of a query be
    without the other."""
    options = method.options
    wordings = 2 if method.rephrases else 1
    if training.batch_size % (options.group * wordings):
        raise InputError(
            f"training.batch_size = {training.batch_size} responses are not a multiple of a query's "
            f"{options.group * wordings} that are trained on: groups are never cut"
        )
    groups = training.batch_size // options.group
    if groups % options.updates:
        raise InputError(
            f"training.batch_size = {training.batch_size} responses are {groups} groups, which sampling.updates = "
            f"{options.updates} optimiser steps cannot share"
        )
    return groups // wordings
