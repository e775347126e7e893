"""From what a user asked for to a recipe in which everything is decided and valid."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench import registry
from genius_bench.errors import InputError, nearest
from genius_bench.integrity import digest_of
from genius_bench.layers import Layer, merge, read_layer, section_of, validate
from genius_bench.method import Method
from genius_bench.recipe import NOT_WHAT, Recipe, TrainingSection

if TYPE_CHECKING:
    from genius_bench.objectives.interface import Objective


@dataclass(frozen=True)
class Resolved:
    """A valid recipe with its method and objective ready to use."""

    recipe: Recipe
    method: Method
    objective: "Objective"

    def run_id(self, base_fingerprint: str, corpus_fingerprint: str) -> str:
        """The same recipe, base and queries have the same id, so that running it again continues or finds it."""
        recipe = self.recipe.model_dump(exclude=NOT_WHAT)
        name = (
            self.recipe.method
            if self.recipe.variant == "paper"
            else f"{self.recipe.method}-{self.recipe.variant}"
        )
        return f"{name}-{digest_of([recipe, base_fingerprint, corpus_fingerprint])[:10]}"

    def settings_of(self, iteration: int) -> tuple[Any, TrainingSection]:
        """Objective (of the method's kind) and training settings of an iteration, with what the method changes."""
        from genius_bench.objectives.interface import build_objective

        changes, factors = self.method.settings_of(iteration), self.method.factors_of(iteration)
        objective = changes.get("objective", {})
        if objective.get("name", self.objective.name) == self.objective.name:
            objective = merge(self.recipe.objective, objective)
        training = merge(self.recipe.training.model_dump(), changes.get("training", {}))
        if objective["name"] == self.method.objective["name"]:  # another one's parameters mean something else
            _multiply(objective, factors.get("objective", {}))
        _multiply(training, factors.get("training", {}))
        built = build_objective(objective, self.method.objectives)
        return built, validate(TrainingSection, training, "training")


def resolve(*layers: Layer) -> Resolved:
    """Defaults < the method's presets < the lab's (for its model) < the variant < `layers`, later ones on top.

    Raises `InputError` with one line for an unknown method, variant, key or impossible value.
    """
    from genius_bench.objectives.interface import build_objective

    asked = merge(*layers)
    top = validate(Recipe, asked)
    method_class: type[Method] = registry.load("methods", top.method)
    if top.variant not in method_class.variants:
        hint = nearest(top.variant, list(method_class.variants))
        raise InputError(f"method '{top.method}' has no variant '{top.variant}': {hint}")
    lab = (
        lab_preset(top.method, top.variant, str(top.objective.get("name", ""))) if top.model == "lab" else {}
    )
    if top.corpus.name != "lab":
        lab.pop("corpus", None)  # the lab's number of queries is about its own corpus
    presets = merge(
        {"objective": method_class.objective, "training": method_class.training},
        lab,
        method_class.variants[top.variant],
    )
    own = str(presets["objective"]["name"])
    if top.objective.get("name", own) != own:
        presets["objective"] = {}  # parameters of the method's own objective mean nothing to another
    values = merge(presets, asked)
    recipe = validate(Recipe, values)
    registry.check("engines", recipe.engine.generator)
    options = validate(method_class.Options, recipe.sampling, "sampling")
    objective = build_objective(recipe.objective, method_class.objectives)
    # The recipe that is stored and hashed says everything, defaults included.
    complete = recipe.model_copy(
        update={
            "sampling": options.model_dump(),
            "objective": {"name": objective.name, **objective.model_dump()},
        }
    )
    resolved = Resolved(complete, method_class(options), objective)
    if not asked.get("sampling"):  # an option of the method may make rows of another kind
        _check_rows(resolved, own)
    _check_references(resolved)
    return resolved


def _check_rows(resolved: Resolved, own: str) -> None:
    """Raises `InputError` where the objective is not for the rows that the method makes for its `own`."""
    objective, method = resolved.objective, resolved.method
    if getattr(method, "objectives", "objectives") != "objectives":  # it is given no rows
        return
    presets = [method.objective, *(section_of(layer, "objective") for layer in method.variants.values())]
    theirs = {one.name: one for one in (_objective_class(layer) for layer in presets) if one}
    fits = f"--objective {own}, or leave --objective out"
    if objective.eats == "pairs" and theirs[own].eats == "demonstrations" and "pairs" not in method.makes:
        raise InputError(
            f"objective '{objective.name}' needs pairs, and method '{method.name}' makes demonstrations: {fits}"
        )
    makes_advantages = "advantages" in method.makes or any(one.needs_advantages for one in theirs.values())
    if objective.needs_advantages and not makes_advantages:
        raise InputError(
            f"objective '{objective.name}' needs advantages, and the rows of method '{method.name}' have none: {fits}"
        )


def _objective_class(layer: Layer) -> "type[Objective] | None":
    return registry.load("objectives", layer["name"]) if "name" in layer else None


def _check_references(resolved: Resolved) -> None:
    """Raises `InputError` where references are to be taken as recorded, and the method's pairs come without any."""
    if resolved.method.training.get("reference") != "recompute":
        return
    for iteration in range(1, resolved.method.iterations + 1):
        objective, training = resolved.settings_of(iteration)
        if objective.needs_reference and training.reference == "recorded":
            raise InputError(
                f"training.reference = recorded: nobody samples what method '{resolved.method.name}' trains on after "
                "the plain prompt, so that nothing is recorded: leave it out (recompute)"
            )


def _multiply(section: Layer, factors: Layer) -> None:
    for key, factor in factors.items():
        section[key] *= factor


def lab_preset(method: str, variant: str = "paper", objective: str = "") -> Layer:
    """What the lab's small model wants: short answers, larger steps; `objective` is one that was asked for."""
    presets = read_layer(Path(str(files("genius_bench.lab"))) / "recipe.yaml")
    return merge(
        presets["every_method"],
        presets["methods"].get(method, {}),
        presets["variants"].get(f"{method} {variant}", {}),
        presets["objectives"].get(objective, {}),
    )
