"""What the optimise benchmark trains: a policy, and pairs with reference log-probabilities as sampling records them."""

import json
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genius_bench.artifacts import Artifact
from genius_bench.lab import MODEL_PATH
from genius_bench.objectives.dpo import DPO
from genius_bench.recipe import LoraSection
from genius_bench.rows import PreferencePair
from genius_bench.training.collator import Collator
from genius_bench.training.examples import read_examples
from genius_bench.training.log_probabilities import response_log_probabilities
from genius_bench.training.policy import load_policy

BATCH = 8
"""Pairs per optimiser step and per forward pass: TRL's default."""
VOCABULARY, END = 32_000, 2
ROOT = Path(__file__).resolve().parents[1]

Rows = list[dict[str, Any]]


def random_workload(folder: Path, pairs: int | None, threads: int, *, long_prompts: bool) -> dict[str, Any]:
    """A Llama of random weights (23 million, 184 million on a GPU) and pairs of random tokens."""
    large = torch.cuda.is_available()
    sizes = (
        {"hidden_size": 1024, "num_hidden_layers": 12}
        if large
        else {"hidden_size": 384, "num_hidden_layers": 6}
    )
    policy = write_policy(folder / "policy", **sizes)
    prompt, response = (600, 150) if long_prompts else (150, 200)
    rows = random_pairs(pairs or (256 if large else 24), prompt, response)
    return write_workload(folder, policy, rows, threads, learning_rate=5e-6)


def lab_workload(folder: Path, pairs: int, threads: int) -> dict[str, Any]:
    """The lab model and pairs that Genius samples from it."""
    home = folder / "home"
    command = [
        sys.executable,
        "-m",
        "genius_bench",
        "train",
        "--method",
        "genius",
        "--no-eval",
        "--home",
        str(home),
    ]
    command += ["--queries", str(pairs), "--set", "training.learning_rate=1e-9"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    made = next((home / "artifacts" / "training-set").iterdir())
    rows = sorted(Artifact("training-set", made.name, made).rows(), key=lambda row: row["id"])
    return write_workload(folder, MODEL_PATH, rows[: len(rows) // BATCH * BATCH], threads, learning_rate=1e-6)


def write_policy(folder: Path, *, hidden_size: int, num_hidden_layers: int) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden_size,
        intermediate_size=11 * hidden_size // 4,
        num_hidden_layers=num_hidden_layers,
        num_attention_heads=hidden_size // 64,
        num_key_value_heads=hidden_size // 128,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=END,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words = {"<unk>": 0, "<s>": 1, "</s>": END} | {f"w{number}": number for number in range(3, VOCABULARY)}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="</s>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(folder)
    return folder


def random_pairs(count: int, prompt: int, response: int) -> Rows:
    """Lengths vary as those of real prompts and answers do (log-normally, by a factor of 1.5 either way)."""
    draw = np.random.default_rng(0)

    def ids(typical: int) -> tuple[int, ...]:
        length = int(np.clip(draw.lognormal(np.log(typical), 0.4), typical / 5, typical * 3))
        return tuple(draw.integers(3, VOCABULARY, length).tolist())

    pairs = [
        PreferencePair(
            id=f"pair-{number:05d}",
            query_id=f"query-{number:05d}",
            prompt_ids=(1, *ids(prompt)),
            chosen_ids=(*ids(response), END),
            rejected_ids=(*ids(response), END),
        )
        for number in range(count)
    ]
    return [asdict(pair) for pair in pairs]


@torch.no_grad()
def write_workload(
    folder: Path, policy: Path, rows: Rows, threads: int, *, learning_rate: float
) -> dict[str, Any]:
    """Adds reference log-probabilities, one row at a time, and writes what every side reads."""
    precision = "bfloat16" if torch.cuda.is_available() else "float32"
    model = load_policy(policy, LoraSection(), "float32").eval()
    examples = read_examples(rows, DPO(), max_length=2**20, vocabulary=2**31).kept
    values = {
        e.id: response_log_probabilities(model, Collator(packing=False)([e])).tolist() for e in examples
    }
    rows = [dict(row) for row in rows if row["id"] in values]
    for row in rows:
        row["reference_chosen_logp"], row["reference_rejected_logp"] = values[row["id"]]
    (folder / "rows.json").write_text(json.dumps(rows, default=list))
    workload = {
        "policy": str(policy),
        "parameters": model.num_parameters(),
        "pairs": len(rows),
        "prompt_tokens": statistics.mean(len(row["prompt_ids"]) for row in rows),
        "response_tokens": statistics.mean(
            len(row[name]) for row in rows for name in ("chosen_ids", "rejected_ids")
        ),
        "learning_rate": learning_rate,
        "batch_size": BATCH,
        "micro_batch_size": BATCH,
        "precision": precision,
        "threads": threads,
    }
    (folder / "workload.json").write_text(json.dumps(workload))
    return workload
