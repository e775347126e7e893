import ast
from pathlib import Path

import pytest

from genius_bench.opencompass.benchmarks import BENCHMARKS, benchmark_called
from genius_bench.opencompass.configuration import JUDGE, Asked, write_configuration


def written(tmp_path: Path, name: str) -> str:
    path = tmp_path / "configuration.py"
    judged = BENCHMARKS[name].is_judged
    write_configuration(
        path,
        benchmark_called(name),
        ["b", "a"],
        [Asked("greedy", 0.0, 64), Asked("sample-1", 1.0, 64)],
        relay_url="http://127.0.0.1:1/v1",
        tokenizer=Path("/models/it's one"),
        threads=8,
        judge=Asked(JUDGE, 0.0, 1) if judged else None,
    )
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_is_a_python_module_that_reads_the_benchmarks_configuration(tmp_path: Path, name: str) -> None:
    text = written(tmp_path, name)
    ast.parse(text)
    assert f"configs.datasets.{BENCHMARKS[name].module} import {BENCHMARKS[name].variable}" in text


def test_avoids_the_class_that_asks_for_ever(tmp_path: Path) -> None:
    tree = ast.parse(written(tmp_path, "mmlu"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "OpenAISDK" in names
    assert "OpenAI" not in names


def test_says_temperature_and_tries_and_holds_no_key(tmp_path: Path) -> None:
    text = written(tmp_path, "alpaca_eval")
    assert "temperature=0.0" in text
    assert "temperature=1.0" in text
    assert text.count("retry=2") == 3
    assert text.count("key='ENV'") == 3
    assert "test_range" not in text


def test_no_model_is_called_like_those_that_get_no_temperature(tmp_path: Path) -> None:
    """OpenCompass leaves temperature and token limit out where a name holds one of these."""
    for name in ("greedy", "sample-1", "sample-12", JUDGE):
        assert not any(part in name for part in ("o1", "o3", "o4", "gpt-5"))
