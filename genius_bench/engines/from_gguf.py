"""A GGUF file as a folder that every engine reads: bfloat16 safetensors, tokenizer and chat template.

transformers reads the file, with the package `gguf`. It leaves a configuration that calls the weights quantised, and
does not know how the file's tokenizer cuts text before merging; both are mended here, and the tokenizer that is written
is held against the file.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.errors import GeniusBenchError, InputError, first_line

CONTROL = 3
"""The GGUF's kind of token that is no text: begins and ends of turns."""


@dataclass(frozen=True)
class Tokenization:
    """What a GGUF says of its tokenizer. `pre` names how text is cut before merging."""

    vocabulary: dict[str, int]
    merges: list[str]
    control: set[str]
    ends: dict[str, int]
    """`bos`, `eos` and `pad`, by id."""
    template: str
    pre: str


def convert(source: Path, folder: Path) -> None:
    """Writes the model in `source` to `folder`; weights are dequantised and rounded to bfloat16.

    Raises `InputError` where `gguf` is missing or the file cannot be read, `GeniusBenchError` where what was written is
    not what the file says.
    """
    try:
        said = read_tokenization(source)
        tokenizer = _tokenizer(source, said)
        model = _model(source, said)
    except ModuleNotFoundError as error:
        raise InputError(f"reading {source.name} takes the package gguf: pip install gguf") from error
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{source} cannot be read as GGUF: {first_line(error)}") from error
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    check_tokenization(folder, said)


def read_tokenization(source: Path) -> Tokenization:
    """What the file's header says. Raises `KeyError` where it lacks something, `ModuleNotFoundError` without `gguf`."""
    from gguf import GGUFReader

    fields = GGUFReader(source).fields

    def said(key: str) -> Any:
        return fields[f"tokenizer.{key}"].contents()

    tokens = said("ggml.tokens")
    kinds = said("ggml.token_type")
    names = {"bos": "bos", "eos": "eos", "pad": "padding"}
    return Tokenization(
        vocabulary={token: number for number, token in enumerate(tokens)},
        merges=said("ggml.merges"),
        control={token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL},
        ends={short: int(said(f"ggml.{long}_token_id")) for short, long in names.items()},
        template=said("chat_template"),
        pre=said("ggml.pre"),
    )


def check_tokenization(folder: Path, said: Tokenization) -> None:
    """Holds the tokenizer in `folder` against the GGUF's. Raises `GeniusBenchError` that names the first difference."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    merges = [one if isinstance(one, str) else " ".join(one) for one in model["merges"]]
    ends = {"bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    for what, written, wanted in (
        ("vocabulary", tokenizer.get_vocab(), said.vocabulary),
        ("merges", merges, said.merges),
        ("control tokens", set(tokenizer.all_special_tokens) | _added(tokenizer), said.control),
        ("begin, end and padding", ends, said.ends),
        ("chat template", tokenizer.chat_template, said.template),
    ):
        if written != wanted:
            raise GeniusBenchError(f"the {what} written to {folder} differ from the GGUF's own")


def _added(tokenizer: Any) -> set[str]:
    return {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}


def _tokenizer(source: Path, said: Tokenization) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    tokenizer.backend_tokenizer.pre_tokenizer = _cutting(said.pre)
    return tokenizer


def _cutting(pre: str) -> Any:
    """How text is cut before merging. `smollm` takes every digit alone: "  7" begins with one piece of two blanks."""
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    if pre != "smollm":
        raise ValueError(f"it cuts text by the rule '{pre}', which is not known here")
    return Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])


def _model(source: Path, said: Tokenization) -> Any:
    """The same weights under a configuration that does not call them quantised: they are not, once read."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig, GgufConfig

    read = AutoModelForCausalLM.from_pretrained(
        str(source.parent),
        gguf_file=source.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    ends = {f"{name}_token_id": number for name, number in said.ends.items()}
    values = {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    config = type(read.config).from_dict(values | ends)
    with torch.device("meta"):
        model = type(read)(config)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(**ends)
    return model
