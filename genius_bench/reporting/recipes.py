"""Which models were made alike: by one recipe with other seeds, or by the same recipe without a signal."""

from genius_bench.layers import Layer, merge, without
from genius_bench.recipe import NOT_WHAT
from genius_bench.reporting.scored import Scored

PLACEBO = "placebo"
CHANCE: Layer = merge(NOT_WHAT, {"seed": True, "training": {"eval_every": True}})
"""What two recipes may differ in whose models differ by chance alone."""


def seed_groups(scored: list[Scored]) -> list[list[Scored]]:
    """Models of one base that differ by nothing but the seed, several at least."""
    return [group for group in _by_recipe(scored) if len(group) > 1]


def called(group: list[Scored]) -> str:
    """What a board calls a model, or the mean of one recipe's models over seeds."""
    label = group[0].label
    return label if len(group) == 1 else f"{label.split(' seed ')[0]}, {len(group)} seeds"


def placebo_of(model: Scored, scored: list[Scored]) -> list[Scored]:
    """All seeds of the placebo of a trained model, from the same base and queries: unfiltered responses for what was
    imitated, pairs drawn at random for what was preferred.

    Of several such recipes the one that trains as the model was trained; none where that does not decide.
    """
    recipe = model.recipe
    if recipe is None or recipe["method"] == PLACEBO or not recipe.get("objective"):
        return []
    variant = "imitation" if recipe["objective"]["name"] == "sft" else "paper"
    wanted = without(recipe, CHANCE)
    placebos = [
        one
        for one in scored
        if one.base_fingerprint == model.base_fingerprint
        and one.recipe is not None
        and (one.recipe["method"], one.recipe["variant"]) == (PLACEBO, variant)
    ]
    groups = [
        group
        for group in _by_recipe(placebos)
        if group[0].recipe and without(group[0].recipe, CHANCE).get("corpus") == wanted.get("corpus")
    ]
    alike = [
        group
        for group in groups
        if group[0].recipe and without(group[0].recipe, CHANCE).get("training") == wanted.get("training")
    ]
    fitting = alike or groups
    return fitting[0] if len(fitting) == 1 else []


def _by_recipe(scored: list[Scored]) -> list[list[Scored]]:
    groups: dict[str, list[Scored]] = {}
    for one in scored:
        if one.recipe is not None:
            made = (one.base_fingerprint, without(one.recipe, CHANCE), one.iteration)
            groups.setdefault(repr(made), []).append(one)
    return list(groups.values())
