"""The shipped base model: loads, is as small as it says, answers, and has a card."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from genius_bench.lab import MODEL_PATH
from genius_bench.lab.accuracy import accuracies, respond, stated_answer
from genius_bench.lab.documents import stream
from genius_bench.lab.items import FAMILIES
from genius_bench.lab.muon import orthogonalise
from genius_bench.lab.pretrain import batches, build_model, rate_factor, response_loss
from genius_bench.lab.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer():  # type: ignore[no-untyped-def]
    return AutoTokenizer.from_pretrained(MODEL_PATH)


@pytest.fixture(scope="module")
def model():  # type: ignore[no-untyped-def]
    return AutoModelForCausalLM.from_pretrained(MODEL_PATH).eval()


def test_the_model_is_a_small_llama(model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert model.config.model_type == "llama"
    assert model.dtype == torch.float32
    assert 500_000 < model.num_parameters() < 1_500_000
    assert model.config.vocab_size == len(tokenizer)
    for config in (model.config, model.generation_config):
        assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (
            tokenizer.bos_token_id,
            tokenizer.eos_token_id,
            tokenizer.pad_token_id,
        )
    assert (MODEL_PATH / "model.safetensors").stat().st_size < 6_000_000


def test_greedy_answers_are_mostly_right(model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    table = accuracies(model, tokenizer, 20)
    assert sum(greedy for greedy, _ in table.values()) / len(table) > 0.8
    assert sum(sampled for _, sampled in table.values()) / len(table) < 0.8


def test_a_batch_answers_as_single_prompts_do(model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    questions = ["Solve 2x + 3 = 9.", "Is a dog heavier than a cat?"]
    together = respond(model, tokenizer, questions, 0.0)
    assert together == [respond(model, tokenizer, [question], 0.0)[0] for question in questions]


def test_the_card_tells_how_it_was_made_and_how_good_it_is() -> None:
    card = (MODEL_PATH / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "python -m genius_bench.lab.pretrain" in card
    assert all(f"`{family}`" in card for family in FAMILIES)
    assert json.loads((MODEL_PATH / "config.json").read_text())["architectures"] == ["LlamaForCausalLM"]


def test_stated_answers_are_read_from_the_last_line() -> None:
    assert stated_answer("lab_words", "Tom has 2.\nThe answer is 12.") == "12"
    assert stated_answer("lab_equations", "The answer is \\boxed{5}.") == "5"
    assert stated_answer("lab_words", "no answer") != "12"


def test_the_loss_is_on_assistant_tokens_only() -> None:
    torch.manual_seed(0)
    tokenizer = train_tokenizer(documents=200)
    model = build_model(tokenizer)
    ids, answered = next(batches(tokenizer, stream(0), 512, 0))
    assert not answered[:, :3].any()
    assert (ids[answered] == tokenizer.eos_token_id).sum() == len(ids)
    changed = ids.clone()
    changed[:, 0] = 7
    assert response_loss(model, ids, answered) != response_loss(model, changed, answered)
    longer = torch.cat([ids, torch.zeros_like(ids[:, :3])], dim=1)
    mask = torch.cat([answered, torch.zeros_like(answered[:, :3])], dim=1)
    torch.testing.assert_close(response_loss(model, ids, answered), response_loss(model, longer, mask))


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((2, 16, 48), (2, 48, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.4


def test_the_learning_rate_warms_up_and_ends_at_zero() -> None:
    assert rate_factor(0.0) < 0.1 < rate_factor(0.5) < rate_factor(0.1)
    assert rate_factor(1.0) == 0.0
