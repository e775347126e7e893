"""What a model's configuration says about how far apart tokens may be, where that makes a difference to a layout."""

from typing import Any

CHUNK = "attention_chunk_size"
WINDOWS = (CHUNK, "sliding_window", "local_attention", "window_size", "attention_window_size")
"""Names by which configurations give the number of tokens that a layer reads, the reading one included."""

CHOICES = ("keep_window_size", "index_topk")
"""Names of the number of tokens that a layer reads at most, as it chooses (Doge, DeepSeek-V3.2): among all of a row, so
that rows of short sequences make it choose where none of them would alone."""


def lost_window(config: Any, longest: int, *, segments: bool) -> int | None:
    """The window, in tokens, without which a packed row would be read whose longest sequence has `longest` tokens.

    None where none is lost. Segments know no windows, which is as well while no sequence is longer than one. A model's
    own masks know them, but count chunks from the beginning of the row, and sequences begin anywhere in it. Where a
    layer chooses what it reads, any packed row is taken for longer than its choice.
    """
    text = config.get_text_config()
    if choices := [size for name in CHOICES if isinstance(size := getattr(text, name, None), int)]:
        return min(choices)
    if set(getattr(text, "layer_types", None) or ()) == {"full_attention"}:
        return None
    sizes = {name: size for name in WINDOWS if isinstance(size := getattr(text, name, None), int)}
    if not segments:
        return sizes.get(CHUNK)
    return next((size for size in sizes.values() if longest > size), None)


def longest_at_one_scale(config: Any) -> int | None:
    """Tokens up to which a sequence's positions mean the same whatever is read with it; None where they always do.

    LongRoPE and dynamic scaling look at the longest sequence of a batch and turn all of it accordingly.
    """
    text = config.get_text_config()
    scaling = getattr(text, "rope_parameters", None) or {}
    per_layer_type = [one for one in scaling.values() if isinstance(one, dict)]
    limits = {"longrope": "original_max_position_embeddings", "dynamic": "max_position_embeddings"}
    found = [
        one.get(limit) or getattr(text, limit)
        for one in per_layer_type or [scaling]
        if (limit := limits.get(one.get("rope_type", "")))
    ]
    return min(found, default=None)
