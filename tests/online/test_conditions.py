"""Recipes of online methods: what they are by default, and what is refused in one line before anything runs."""

from typing import Any

import pytest

from genius_bench.errors import InputError
from genius_bench.layers import Layer
from genius_bench.online.conditions import check_online, queries_a_step
from genius_bench.online_method import OnlineMethod
from genius_bench.registry import load, names
from genius_bench.resolution import resolve


def checked(**layer: Layer) -> None:
    resolved = resolve({"method": "ttrl", **layer})
    assert isinstance(resolved.method, OnlineMethod)
    check_online(resolved.recipe, resolved.method)


ONLINE = [name for name in names("methods") if issubclass(load("methods", name), OnlineMethod)]


@pytest.mark.parametrize("method", ONLINE)
def test_every_recipe_can_be_followed(method: str) -> None:
    for model, queries in (("lab", 16), ("owner/name", 128)):
        resolved = resolve({"method": method, "model": model})
        assert isinstance(resolved.method, OnlineMethod)
        check_online(resolved.recipe, resolved.method)
        assert queries_a_step(resolved.recipe.training, resolved.method) == queries
    for variant in load("methods", method).variants:
        resolved = resolve({"method": method, "variant": variant, "model": "owner/name"})
        assert isinstance(resolved.method, OnlineMethod)
        check_online(resolved.recipe, resolved.method)
        rows = resolved.recipe.training.batch_size // resolved.method.options.updates
        objective: Any = resolved.objective
        assert len(objective.weights([1] * rows)) == rows


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"engine": {"name": "openai"}}, "use --engine hf or vllm"),
        ({"engine": {"name": "ray:vllm"}}, "use --engine hf or vllm"),
        ({"engine": {"name": "vllm"}, "method": "co-rewarding"}, "asks a teacher as well"),
        ({"engine": {"name": "vllm"}, "launch": {"launcher": "torchrun"}}, "leave out --launcher torchrun"),
        ({"engine": {"precision": "bfloat16"}}, "set training.precision"),
        ({"launch": {"launcher": "torchrun", "processes": 200}}, "a step asks 16 queries"),
        ({"launch": {"launcher": "deepspeed", "sharding": "zero3"}}, "samples with all weights"),
        ({"training": {"lora": {"rank": 4, "dropout": 0.1}}}, "set it to 0"),
        ({"training": {"reference": "recompute"}}, "training.reference = recompute"),
        ({"sampling": {"updates": 3}}, "sampling.updates = 3"),
        ({"training": {"report_to": "wandb"}}, "training.report_to = wandb"),
        ({"training": {"batch_size": 100, "micro_batch_size": 50}}, "not a multiple of a query's 8"),
        ({"objective": {"name": "dpo"}}, "unknown token objective 'dpo'"),
        ({"sampling": {"responses": 1}}, "a group of one"),
    ],
)
def test_what_cannot_be_followed_is_told_in_one_line(layer: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(**layer)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_token_objective_is_none_for_other_methods() -> None:
    with pytest.raises(InputError, match="unknown objective 'token-mean'"):
        resolve({"method": "genius", "objective": {"name": "token-mean"}})
