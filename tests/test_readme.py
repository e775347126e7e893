"""The README's example plug-in, exactly as printed there, does what it says."""

import asyncio
import re
from pathlib import Path
from types import ModuleType

import numpy as np

from genius_bench.layers import validate
from genius_bench.rows import Demonstration, Message, Query
from genius_bench.sampling.policy import Policy
from tests.sampling.scripted import ScriptedEngine

README = Path(__file__).parents[1] / "README.md"


def example() -> ModuleType:
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("confidence")
    exec(compile(code, "README.md", "exec"), module.__dict__)
    return module


def test_the_example_imitates_the_most_probable_response() -> None:
    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        likely = random.random() < 0.3
        return ("likely", -0.1) if likely else ("unlikely", -0.9)

    method_class = example().Confidence
    method = method_class(validate(method_class.Options, {"responses": 24}))
    query = Query(id="q", messages=(Message(role="user", content="?"),))
    collected = asyncio.run(method.collect(query, Policy(ScriptedEngine(script), seed=0)))
    [row] = collected.rows
    assert isinstance(row, Demonstration)
    assert "".join(map(chr, row.response_ids)) == "likely\x01"
