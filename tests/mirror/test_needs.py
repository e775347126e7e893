"""Which pieces a recipe needs, found without asking anybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from genius_bench.errors import InputError
from genius_bench.layers import validate
from genius_bench.mirror import plan
from genius_bench.recipe import Recipe

HERE = str(Path(__file__))


def places(folder: Path, **recipe: Any) -> set[str]:
    planned = plan(folder, validate(Recipe, {"evaluation": {"suite": "lab"}, **recipe}))
    assert planned.missing == planned.pieces
    return {piece.wanted.place for piece in planned.pieces}


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({}, set()),
        ({"model": "own/er"}, {"models/own--er"}),
        ({"model": "http://here/v1"}, set()),
        ({"model": str(Path(__file__).parent)}, set()),
        ({"corpus": {"name": HERE}}, set()),
        ({"corpus": {"name": "magpie"}}, {"corpora/magpie/train.jsonl.gz"}),
        ({"corpus": {"name": "magpie", "data": "/somewhere"}}, set()),
        ({"corpus": {"name": "a/b:c:d"}}, {"corpora/a--b--c--d/train.jsonl.gz"}),
        ({"evaluation": {"suite": "gsm8k"}}, {"gsm8k/test.parquet", "gsm8k/train.parquet"}),
        (
            {"evaluation": {"suite": "gsm8k,lab_words", "split": "train"}},
            {"gsm8k/test.parquet", "gsm8k/train.parquet"},
        ),
        (
            {"evaluation": {"suite": "alpaca_eval"}},
            {"alpaca_eval/eval.parquet", "alpaca_eval/eval_gpt4_baseline.parquet"},
        ),
        ({"evaluation": {"suite": "lab", "judge": {"model": "some/judge"}}}, {"models/some--judge"}),
        ({"evaluation": {"suite": "lab", "judge": {"model": "some/judge", "url": "http://here/v1"}}}, set()),
    ],
)
def test_pieces(tmp_path: Path, recipe: dict[str, Any], expected: set[str]) -> None:
    assert places(tmp_path, **recipe) == expected


def test_an_adapter_needs_its_base(tmp_path: Path) -> None:
    config = json.dumps({"base_model_name_or_path": "the/base"})
    own, mirrored = tmp_path / "own", tmp_path / "mirror" / "models" / "an--adapter"
    for folder in (own, mirrored):
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text(config)
    assert places(tmp_path / "mirror", model=str(own)) == {"models/the--base"}
    assert places(tmp_path / "mirror", model="an/adapter") == {"models/an--adapter", "models/the--base"}


def test_a_damaged_manifest_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 1, "pieces": [{"kind": "task"}]}')
    with pytest.raises(InputError, match=r"manifest.json.pieces.0.name"):
        places(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 1')
    with pytest.raises(InputError, match="cannot be read"):
        places(tmp_path)
