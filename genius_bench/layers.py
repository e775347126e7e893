"""Layers: settings from files and options, laid over each other and read as what they are settings of."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from genius_bench.errors import InputError, nearest

LONGEST_SHOWN = 200
"""Characters of a wrong value in a message."""
Layer = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


def merge(*layers: Layer) -> Layer:
    """Nested dictionaries laid over each other, later ones on top."""
    result: Layer = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            nested = isinstance(value, dict) and isinstance(below, dict)
            result[key] = merge(below, value) if nested else value  # type: ignore[arg-type]
    return result


def without(layer: Layer, left_out: Layer) -> Layer:
    """A layer less what another names: whole parts where it says True, else keys of theirs."""
    return {
        key: without(value, left_out[key]) if isinstance(value, dict) and key in left_out else value
        for key, value in layer.items()
        if left_out.get(key) is not True
    }


def leaves(layer: Layer, above: str = "") -> dict[str, Any]:
    """A layer's values by their whole keys: training.learning_rate, …"""
    found: dict[str, Any] = {}
    for key, value in layer.items():
        nested = isinstance(value, dict) and value
        found |= leaves(value, f"{above}{key}.") if nested else {f"{above}{key}": value}
    return found


def section_of(layer: Layer, name: str) -> Layer:
    """A section of a layer, empty where it has none. Raises `InputError` where it is something else."""
    section = layer.get(name, {})
    if not isinstance(section, dict):
        raise InputError(f"{name} = {shown(section)}: a section is set key by key, as in {name}.key=value")
    return section


def read_layer(path: Path) -> Layer:
    """A recipe file (YAML). Raises `InputError` with the line where it does not parse."""
    from genius_bench.plain_yaml import read

    layer = read(path, "recipe")
    if layer is None:
        return {}
    if not isinstance(layer, dict):
        raise InputError(f"recipe {path} must be a mapping of sections, not a {type(layer).__name__}")
    return layer


def parse_assignments(assignments: list[str]) -> Layer:
    """`--set section.key=value` options as a layer; values are read as YAML (quote what must stay text)."""
    import yaml

    from genius_bench.plain_yaml import MOST_DEPTH, parse, problem_of

    layer: Layer = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path.strip() or path.count(".") >= MOST_DEPTH:
            raise InputError(f"--set {assignment[:LONGEST_SHOWN]}: write it as section.key=value")
        try:
            value: Any = parse(text) if text else ""
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
            raise InputError(
                f"--set {assignment[:LONGEST_SHOWN]}: the value is not valid YAML: {problem_of(error)}"
            ) from error
        for part in reversed(path.strip().split(".")):
            value = {part: value}
        layer = merge(layer, value)
    return layer


def validate(model: type[Model], values: Layer, section: str = "") -> Model:
    """`values` as `model`, or one clear line that names the offending key and the nearest valid one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(_first_problem(model, error, section)) from None


def _first_problem(model: type[BaseModel], error: ValidationError, section: str) -> str:
    problem = error.errors()[0]
    location = [section, *map(str, problem["loc"])] if section else list(map(str, problem["loc"]))
    name = ".".join(location)
    if problem["type"] == "extra_forbidden":
        owner: Any = model
        for part in problem["loc"][:-1]:
            owner = owner.model_fields[part].annotation
        return f"unknown key '{name}': {nearest(str(problem['loc'][-1]), list(owner.model_fields))}"
    if problem["type"] == "value_error":  # what a section says of its values together
        return f"{name or 'recipe'}: {problem['ctx']['error']}"
    return f"{name} = {shown(problem['input'])}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def shown(value: Any) -> str:
    """A value as it was given, shortened, for a message."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write out numbers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
