"""Every benchmark whose items are at hand, through the whole stage with a tiny random chat model."""

from pathlib import Path

import pytest
import torch

from genius_bench.artifacts import Store
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.loading import load_tokenizer, resolve_model
from genius_bench.evaluation.asking import LazyEngine
from genius_bench.evaluation.cards import task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.scores import read_scores
from genius_bench.evaluation.stage import evaluate
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection, EvaluationSection
from tests.evaluation.real_data import FOLDER, MISSING, TASKS, link

LIMITS = {"mmlu": 300, "mmlu_pro": 300, "math": 1000}
"""Of the largest, so that the test stays under two minutes; a whole run is in docs/evaluation.md."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return link(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, a real tokenizer and chat template, and a context that some prompts do not fit."""
    from transformers import LlamaConfig, LlamaForCausalLM

    path = tmp_path_factory.mktemp("model")
    tokenizer = load_tokenizer(MODEL_PATH)
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=2048, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.mark.parametrize("task", TASKS)
def test_records_are_complete(task: str, data: Path, model: Path, tmp_path: Path) -> None:
    limit = LIMITS.get(task)
    settings = EvaluationSection(data=str(data), samples=0, max_tokens=2, limit=limit)
    [artifact] = evaluate(
        Store(tmp_path),
        model=resolve_model(str(model)),
        engine=LazyEngine(lambda: HFEngine(model, EngineSection())),
        checkpoint_fingerprint="random",
        tasks=[task],
        settings=settings,
        engine_settings=EngineSection(),
    )
    items = load_items(task_card(task), str(data))
    expected = items.ids[:limit]
    rows = list(artifact.rows())
    assert sorted(row["item_id"] for row in rows) == sorted(expected), "none lost, none doubled"
    scores = read_scores(artifact)
    assert {score.n for score in scores} == {len(expected)}
    assert all(score.details["dataset"] == "as expected" for score in scores)
    too_long = [row for row in rows if row["error"]]
    assert all("does not fit the model's context" in row["error_message"] for row in too_long)
    assert len(too_long) < 0.2 * len(rows) or limit is None
