"""A complete recipe as a file to keep and to change: what is not the default is marked, with what the default is."""

import json
from collections.abc import Iterator
from typing import Any

from genius_bench import registry
from genius_bench.errors import GeniusBenchError
from genius_bench.layers import Layer, leaves, merge
from genius_bench.recipe import Recipe


def shown(recipe: Layer) -> str:
    """As YAML that `train --recipe` reads again."""
    return "\n".join(_lines(recipe, _defaults(recipe), 0)) + "\n"


def differing(recipe: Layer) -> Iterator[tuple[str, Any]]:
    """Key and value of everything that is not the default."""
    defaults = leaves(_defaults(recipe))
    return ((key, value) for key, value in leaves(recipe).items() if not _equal(value, defaults.get(key)))


def _defaults(recipe: Layer) -> Layer:
    """Those of the harness, of the method's options and of the objective; a plug-in that is gone has none."""
    found = Recipe().model_dump()
    try:
        method = registry.load("methods", recipe["method"])
        name = recipe["objective"].get("name", method.objective["name"])
        objective = registry.load(getattr(method, "objectives", "objectives"), name)
        parameters = {key: field.default for key, field in objective.model_fields.items()}
        own = {
            "sampling": method.Options().model_dump(),
            "objective": {"name": method.objective["name"], **parameters},
        }
    except GeniusBenchError:
        return found
    return merge(found, own, {"training": method.training})


def _lines(values: Layer, defaults: Layer, depth: int) -> Iterator[str]:
    for key, value in values.items():
        default = defaults.get(key)
        if isinstance(value, dict) and value:
            yield f"{'  ' * depth}{key}:"
            yield from _lines(value, default if isinstance(default, dict) else {}, depth + 1)
        else:
            mark = "" if _equal(value, default) else f"  # default: {_scalar(default)}"
            yield f"{'  ' * depth}{key}: {_scalar(value)}{mark}"


def _equal(value: Any, default: Any) -> bool:
    """Tuples become lists where they are stored."""
    return bool(json.dumps(value) == json.dumps(default))


def _scalar(value: Any) -> str:
    """JSON is YAML, save that YAML 1.1 takes 5e-07 for text."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
