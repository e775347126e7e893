"""Which models were made alike: by one recipe with other seeds, or by the same recipe without a signal."""

from typing import Any

from genius_bench.recipe import CONTROLS
from genius_bench.reporting.scored import Scored

PLACEBO = "placebo"


def seed_groups(scored: list[Scored]) -> list[list[Scored]]:
    """Models that differ by nothing but the seed."""
    groups: dict[str, list[Scored]] = {}
    for one in scored:
        if one.recipe is not None:
            groups.setdefault(repr((_but_seed(one.recipe), one.iteration)), []).append(one)
    return [group for group in groups.values() if len(group) > 1]


def placebo_of(model: Scored, scored: list[Scored]) -> list[Scored]:
    """All seeds of the placebo of a trained model, from the same base: unfiltered responses for what was imitated,
    pairs drawn at random for what was preferred."""
    recipe = model.recipe
    if recipe is None or recipe["method"] == PLACEBO or not recipe.get("objective"):
        return []
    variant = "imitation" if recipe["objective"]["name"] == "sft" else "paper"
    return [
        one
        for one in scored
        if one.recipe is not None
        and one.base_fingerprint == model.base_fingerprint
        and (one.recipe["method"], one.recipe["variant"]) == (PLACEBO, variant)
    ]


def _but_seed(recipe: dict[str, Any]) -> dict[str, Any]:
    """What a recipe says of the model, apart from chance: not where it was made, nor what was kept on the way."""
    kept = {key: value for key, value in recipe.items() if key not in ("seed", "launch")}
    left_out = {
        "training": ("eval_every",),
        "corpus": ("overlap",),
        "engine": ("workers",),
        "evaluation": (*CONTROLS, "greedy"),
    }
    for section, names in left_out.items():
        kept[section] = {key: value for key, value in kept.get(section, {}).items() if key not in names}
    return kept
