"""Text generation behind one interface: `hf`, `vllm` and `openai` here; others come as plug-ins of the same shape.

`ray:` in front of a name spreads its requests over the workers of a cluster.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.engines.interface import Engine
from genius_bench.engines.loading import ModelFiles, base_of
from genius_bench.engines.weights import check_names
from genius_bench.recipe import EngineSection

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint


def open_engine(model: "ModelFiles | Endpoint | Path", settings: EngineSection) -> Engine:
    """The engine that the recipe names, ready to generate. It is handed a model's folder, or the endpoint itself.

    Raises `InputError` for an unknown engine, one that cannot have this model, or a model whose files lack weights.
    """
    from genius_bench import registry

    if settings.spread:
        from genius_bench.engines.spread import RayEngine

        return RayEngine(model, settings)
    place = model.path if isinstance(model, ModelFiles) else model
    make = registry.load("engines", settings.name)
    if isinstance(place, Path) and not getattr(make, "checks_weights", False):
        check_names(place, base_of(place))
    engine: Engine = make(place, settings)
    return engine
