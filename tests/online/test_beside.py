"""An online training whose samples come from vLLM: its weights follow, and what it says otherwise is told."""

import json
from pathlib import Path

import pytest
import torch

from genius_bench.artifacts import Store
from genius_bench.corpora import load_corpus
from genius_bench.engines.loading import load_model, resolve_model
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online.stage import learn_online
from genius_bench.recipe import CorpusSection, EngineSection
from tests.engines.vllm_support import NEEDS_VLLM
from tests.training.support import settings
from trainers.rent import RENT

from .support import rollouts_of

pytestmark = NEEDS_VLLM
STEPS = 3


@pytest.mark.slow
def test_the_engine_draws_with_the_weights_of_every_step(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lab = resolve_model("lab")
    made = learn_online(
        Store(tmp_path),
        RENT(RENT.Options(responses=4, max_tokens=96)),
        corpus=load_corpus(CorpusSection(name="lab", queries=6, max_prompt_tokens=200)),
        policy=lab,
        objective=TokenMean(),
        training=settings(
            batch_size=8, micro_batch_size=8, epochs=1, learning_rate=3e-3, warmup=0, eval_every=1
        ),
        engine=EngineSection(name="vllm", device="cpu", memory_share=0.05, max_context=512),
        seed=0,
    )
    rows, log = rollouts_of(made), made.json("trainer_log.json")
    drew = [lab.path, *(made.path / "steps" / str(step) / "model" for step in (1, 2))]
    for step, folder in enumerate(drew, start=1):
        model, others = (load_model(path, device="cpu") for path in (folder, drew[step - 2]))
        for row in (one for one in rows if one["step"] == step):
            trainer = said(model, row)
            assert row["trainer_logps"] == pytest.approx(trainer, abs=1e-4), "by the weights of this step"
            assert row["sampled_logps"] == pytest.approx(trainer, abs=1e-3), "so by the engine"
            if step > 1:  # which a step's learning rate moves further
                assert row["sampled_logps"] != pytest.approx(said(others, row), abs=1e-2)
    apart = [
        abs(one - other)
        for row in rows
        if row["step"] == 2
        for one, other in zip(row["trainer_logps"], row["sampled_logps"], strict=True)
    ]
    assert log[1]["mismatch_max"] == max(apart)
    assert all(0 <= line["mismatch_median"] <= line["mismatch_p99"] < 1e-3 for line in log)
    assert log[1]["correction"] == pytest.approx(1, abs=1e-3)
    assert "|Δ log p| of sampler and trainer, nats a token: median" in capsys.readouterr().err
    assert json.loads((made.path / "manifest.json").read_text())["parameters"]["engine"] == "vllm"


def said(model: torch.nn.Module, row: dict[str, list[int]]) -> list[float]:
    ids = torch.tensor([[*row["prompt_ids"], *row["response_ids"]]])
    with torch.no_grad():
        logps = torch.log_softmax(model(input_ids=ids).logits[0].float(), -1)
    places = range(len(row["prompt_ids"]) - 1, ids.shape[1] - 1)
    return [float(logps[place, ids[0, place + 1]]) for place in places]
