"""Tiny models of several architectures, with weights tied or not, and the configurations of large ones without any."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    Qwen2Config,
)

SIZES = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 176,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
ENDS: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2}


def config_of(kind: str, *, tied: bool) -> Any:
    """`llama` and `qwen2` share keys and values among heads, `neox` and `gpt2` do not."""
    if kind == "llama":
        return LlamaConfig(**SIZES, **ENDS, num_key_value_heads=2, tie_word_embeddings=tied)
    if kind == "qwen2":
        return Qwen2Config(**SIZES, **ENDS, num_key_value_heads=1, tie_word_embeddings=tied)
    if kind == "neox":
        return GPTNeoXConfig(**SIZES, **ENDS, tie_word_embeddings=tied)
    return GPT2Config(
        vocab_size=300, n_embd=64, n_layer=3, n_head=4, n_positions=256, **ENDS, tie_word_embeddings=tied
    )


def save(kind: str, folder: Path, *, tied: bool = False, dtype: torch.dtype = torch.float32) -> Any:
    """A random model in `folder`, and the same read back."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config_of(kind, tied=tied)).to(dtype).save_pretrained(folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto")


LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
LLAMA_70B = LLAMA_8B | {
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
}
PARAMETERS_8B = 8_030_261_248
"""As published for Llama 3.1 8B."""
PARAMETERS_70B = 70_553_706_496


def config_only(config: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
