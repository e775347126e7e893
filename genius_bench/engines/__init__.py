"""Text generation behind one interface: `hf` here; others come as plug-ins of the same shape."""

from pathlib import Path

from genius_bench.engines.interface import Engine
from genius_bench.recipe import EngineSection


def open_engine(model_path: Path, settings: EngineSection) -> Engine:
    """The engine that the recipe names, with the model loaded. Raises `InputError` for an unknown one."""
    from genius_bench import registry

    engine: Engine = registry.load("engines", settings.name)(model_path, settings)
    return engine
