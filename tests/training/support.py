"""Tiny random policies and training sets, made on the spot."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.integrity import digest_of
from genius_bench.objectives.aco import ACO
from genius_bench.objectives.interface import Objective
from genius_bench.recipe import TrainingSection
from genius_bench.rows import PreferencePair, TrainingRow
from genius_bench.training.stage import optimise

END = 2
VOCABULARY = 40


def save_policy(kind: str, folder: Path) -> Path:
    words = {"<unk>": 0, "<s>": 1, "</s>": END} | {f"w{number}": number for number in range(3, VOCABULARY)}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    # The padding token is the end token, as in many published models.
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="</s>", unk_token="<unk>"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    sizes = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 128,
        "attention_dropout": 0.1,
        "bos_token_id": 1,
        "eos_token_id": END,
        "initializer_range": 0.3,
    }
    torch.manual_seed(0)
    model: Any
    if kind == "llama":
        model = LlamaForCausalLM(LlamaConfig(**sizes))
    else:
        model = Qwen2ForCausalLM(Qwen2Config(tie_word_embeddings=True, **sizes))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_pairs(count: int, seed: int = 0, **fields: Any) -> list[PreferencePair]:
    """Random pairs of unequal lengths; the reference values are made up but plausible."""
    draw = random.Random(seed)

    def ids(low: int, high: int, *, end: bool = False) -> tuple[int, ...]:
        drawn = tuple(draw.randrange(3, VOCABULARY) for _ in range(draw.randint(low, high)))
        return (*drawn, END) if end else drawn

    def pair(number: int) -> PreferencePair:
        values: dict[str, Any] = {
            "id": f"pair-{number:03d}",
            "query_id": f"query-{number:03d}",
            "prompt_ids": (1, *ids(2, 8)),
            "chosen_ids": ids(2, 9, end=True),
            "rejected_ids": ids(2, 9, end=True),
            "chosen_advantage": draw.gauss(0, 0.3),
            "rejected_advantage": draw.gauss(0, 0.3),
            "reference_chosen_logp": draw.uniform(-40, -20),
            "reference_rejected_logp": draw.uniform(-40, -20),
        }
        return PreferencePair(**values | fields)

    return [pair(number) for number in range(count)]


def make_training_set(store: Store, rows: Sequence[TrainingRow], shard: int = 1000) -> Artifact:
    content = [asdict(row) for row in rows]

    def produce(build: Build) -> None:
        for start in range(0, len(content), shard):
            build.write_shard(content[start : start + shard])

    parameters = {"rows": digest_of(sorted(content, key=lambda row: row["id"]))}
    return store.make(Identity(kind="training-set", version=1, parameters=parameters), produce)


def settings(**changes: Any) -> TrainingSection:
    """A training of a few steps that moves the weights far enough to see differences."""
    values = {"learning_rate": 1e-2, "batch_size": 4, "micro_batch_size": 2, "report_to": "none"}
    return TrainingSection.model_validate(values | changes)


def train(
    store: Store,
    policy: Path,
    training_set: Artifact,
    objective: Objective | None = None,
    seed: int = 0,
    **changes: Any,
) -> Artifact:
    """A checkpoint of a tiny training; `changes` are training settings."""
    return optimise(
        store,
        policy_path=policy,
        policy_fingerprint="tiny",
        training_set=training_set,
        objective=objective or ACO(),
        training=settings(**changes),
        seed=seed,
    )


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(next(model.glob("*.safetensors")))


def largest_difference(one: Artifact, other: Artifact) -> float:
    """The largest absolute difference between two checkpoints' weights."""
    first, second = weights_of(one.path / "model"), weights_of(other.path / "model")
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)
