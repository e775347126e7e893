"""The size of a model from its configuration alone: counted on torch's meta device, where weights take no memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.engines.loading import locate
from genius_bench.errors import InputError, first_line
from genius_bench.planning.weights import TYPE_BYTES, own_folder, weights_in

if TYPE_CHECKING:
    from genius_bench.recipe import LoraSection

LENGTH = 61
"""Tokens of the sequence over which activations are counted: a prime, so that no weight has this side by chance."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """What memory depends on. Counts are of numbers, not of bytes."""

    parameters: int
    """Tied weights count once."""
    layers: int
    cache_per_token: int
    """Keys and values of a token over all layers."""
    hidden: int
    vocabulary: int
    context: int | None
    stored_type: str
    """`float32`, `bfloat16`, …: what the files hold, or what the configuration says where there are none."""
    weights_here: bool

    @property
    def stored_bytes(self) -> int:
        return TYPE_BYTES[self.stored_type]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of the model that is trained. `adapters` are the weights that LoRA trains, 0 without it."""

    shape: ModelShape
    adapters: int
    activations: int
    """Numbers that autograd keeps per token, the head's aside."""
    logits_at_once: dict[str, int]
    """By kind of device (`training.chunking`)."""

    @property
    def trained(self) -> int:
        return self.adapters or self.shape.parameters


def sizes_of(name: str, lora: "LoraSection") -> Sizes:
    """Imports torch: for stages' processes."""
    from genius_bench.training.chunking import LOGITS_AT_ONCE

    return Sizes(
        shape=shape_of(name),
        adapters=adapter_parameters(name, lora),
        activations=activations_per_token(name),
        logits_at_once=dict(LOGITS_AT_ONCE),
    )


def shape_of(name: str) -> ModelShape:
    """The shape of `lab`, a local folder (`config.json` is enough) or a hub id, of which only small files are fetched.

    Imports torch: for stages' processes. Raises `InputError` where there is no such model or no usable configuration.
    """
    folder = own_folder(locate(name, weights=False))
    config, weights = read_config(folder), weights_in(folder)
    stored_type = weights.stored_type if weights else _named_type(config)  # building changes what it says
    text = config.get_text_config()
    heads = text.num_attention_heads
    cached_heads = getattr(text, "num_key_value_heads", None) or heads
    head_size = getattr(text, "head_dim", None) or text.hidden_size // heads
    return ModelShape(
        parameters=count_parameters(on_meta_device(config)),
        layers=text.num_hidden_layers,
        cache_per_token=2 * text.num_hidden_layers * cached_heads * head_size,
        hidden=text.hidden_size,
        vocabulary=text.vocab_size,
        context=getattr(text, "max_position_embeddings", None),
        stored_type=stored_type,
        weights_here=weights is not None,
    )


def read_config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"no usable model configuration in {folder}: {first_line(error)}") from error


def on_meta_device(config: Any) -> Any:
    """The architecture without its weights."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False, dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError, AttributeError, KeyError) as error:
        raise InputError(f"transformers cannot build this model: {first_line(error)}") from error


def _without_weights(name: str) -> Any:
    return on_meta_device(read_config(own_folder(locate(name, weights=False))))


def count_parameters(model: Any, *, trained_only: bool = False) -> int:
    """Each once, however many places share it."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trained_only)


def adapter_parameters(name: str, lora: "LoraSection") -> int:
    """How many weights LoRA trains; 0 where it is off."""
    if not lora.rank:
        return 0
    from genius_bench.training.policy import with_adapters

    model = _without_weights(name)
    return count_parameters(with_adapters(model, lora), trained_only=True)


def activations_per_token(name: str) -> int:
    """Numbers that autograd keeps per token for the backward pass, the head's aside; counted, not computed.

    What grows with the square of the length is left out, since attention kernels do not keep it; a model that is
    told to attend without them (`eager`) needs more.
    """
    import torch

    model = _without_weights(name).eval()
    with _saved_for_backward(model) as saved:
        model(
            input_ids=torch.ones(1, LENGTH, dtype=torch.long, device="meta"),
            # A finished mask, because making one looks at values, and there are none.
            attention_mask=torch.zeros(1, 1, LENGTH, LENGTH, device="meta"),
            use_cache=False,
            logits_to_keep=1,
        )
    return sum(saved.values()) // LENGTH


@contextmanager
def _saved_for_backward(model: Any) -> Iterator[dict[int, int]]:
    """Storage → its numbers, of all tensors that autograd saves meanwhile, weights and square ones aside."""
    import torch

    weights = {weight.untyped_storage()._cdata for weight in model.parameters()}
    saved: dict[int, int] = {}
    kept_alive: list[Any] = []  # or another tensor might get the same number

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        square = tensor.dim() > 2 and tensor.shape[-1] == tensor.shape[-2] == LENGTH
        if storage._cdata not in weights and not square:
            saved[storage._cdata] = storage.nbytes() // tensor.element_size()
            kept_alive.append(storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield saved


def _named_type(config: Any) -> str:
    named = str(getattr(config, "dtype", None) or "float32").removeprefix("torch.")
    return named if named in TYPE_BYTES else "float32"
