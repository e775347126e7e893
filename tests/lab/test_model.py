"""The shipped base model: loads, is as small as it says, answers, and has a card."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from genius_bench.lab import MODEL_PATH
from genius_bench.lab.documents import stream
from genius_bench.lab.items import FAMILIES
from genius_bench.lab.measuring import Measured, measure, respond, stated_answer, table_of
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


@pytest.mark.slow
def test_there_is_room_above_and_right_answers_are_within_reach(model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    """And each kind of item is what it is called: the majority saves the aligned ones and loses the misaligned."""
    torch.manual_seed(0)
    found = measure(model, tokenizer, 20, samples=16)

    def mean(name: str, rows: list[Measured]) -> float:
        return sum(getattr(one, name) for one in rows) / len(rows)

    assert 0.45 < mean("greedy", found) < 0.75
    assert 0.25 < mean("sampled", found) < 0.55
    assert mean("solved", found) > 0.8
    kinds = {
        prior: [one for one in found if one.item["prior"] == prior] for prior in ("aligned", "misaligned")
    }
    assert mean("majority", kinds["aligned"]) > mean("greedy", kinds["aligned"]) + 0.2
    assert mean("majority", kinds["misaligned"]) < 0.4
    assert mean("solved", kinds["misaligned"]) > 0.8


def test_a_batch_answers_as_single_prompts_do(model, tokenizer) -> None:  # type: ignore[no-untyped-def]
    questions = ["Solve 2x + 3 = 9.", "Is the weight of a dog more than that of a cat?"]
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


def test_the_table_is_made_by_hand() -> None:
    def one(family: str, level: int, prior: str, *shares: float) -> Measured:
        return Measured({"id": f"{family}-1", "level": level, "prior": prior, "tells": False}, *shares)

    found = [one("lab_words", 1, "plain", 1, 0.5, 1, 1), one("lab_facts", 2, "misaligned", 0, 0.25, 0, 1)]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table_of(found, 4).splitlines()
    ]
    assert lines[0] == ["", "items", "greedy", "T=1", "maj@4", "pass@4", "majority wrong"]
    rows = {name: cells for name, *cells in lines[2:]}
    assert rows["`lab_words`"] == ["1", "100.0", "50.0", "100.0", "100.0", "0.0"]
    assert rows["level 2"] == rows["misaligned"] == ["1", "0.0", "25.0", "0.0", "100.0", "100.0"]
    assert rows["all"] == ["2", "50.0", "37.5", "50.0", "100.0", "50.0"]
    assert not rows.keys() & {"`lab_olympiad`", "level 3", "aligned"}


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
