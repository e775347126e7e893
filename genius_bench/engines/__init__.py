"""Text generation behind one interface: `hf` and `openai` here; others come as plug-ins of the same shape."""

from pathlib import Path
from typing import TYPE_CHECKING

from genius_bench.engines.interface import Engine
from genius_bench.engines.loading import ModelFiles
from genius_bench.recipe import EngineSection

if TYPE_CHECKING:
    from genius_bench.engines.endpoint import Endpoint


def open_engine(model: "ModelFiles | Endpoint | Path", settings: EngineSection) -> Engine:
    """The engine that the recipe names, ready to generate. It is handed a model's folder, or the endpoint itself.

    Raises `InputError` for an unknown engine, or one that cannot have this model.
    """
    from genius_bench import registry

    place = model.path if isinstance(model, ModelFiles) else model
    engine: Engine = registry.load("engines", settings.name)(place, settings)
    return engine
