"""How the rows of a micro batch are laid out: as asked for, or as lean as the model reads them without fault."""

import os
from collections.abc import Sequence
from typing import Any

from genius_bench.errors import InputError
from genius_bench.printing import note
from genius_bench.recipe import TrainingSection
from genius_bench.training.attention import choose_attention
from genius_bench.training.collator import Collator
from genius_bench.training.examples import Example
from genius_bench.training.output_head import unwrapped
from genius_bench.training.packing import PACKED, PADDED, SHARED, PackingCheck
from genius_bench.training.segments import use_segments
from genius_bench.training.windows import longest_at_one_scale

NAMES = {PADDED: "padded", PACKED: "packed", SHARED: "packed, the prompt of a pair once"}

WORTH_SHARING = 0.02
"""Share of all tokens that need not be read, from which on pairs share their prompts."""


def choose_layout(
    model: Any, examples: Sequence[Example], training: TrainingSection, precision: str = "float32"
) -> Collator:
    """The collator that lays rows out; lines on stderr say which layout it is, and with which attention it is read.

    Sets the model's attention, so it is called with the model in place and before its first step.
    Raises `InputError` where an attention that is not there, or a layout that the model gets wrong, was asked for.
    """
    _check_scale(unwrapped(model), examples)
    choose_attention(unwrapped(model), training.attention, precision)
    saved = 1 - sum(map(tokens_when_shared, examples)) / sum(example.tokens for example in examples)
    layouts = _layouts(training, saved)
    chosen, remark = layouts[-1], ""
    if layouts != [PADDED]:
        check = PackingCheck(model, examples, training.micro_batch_size, exact=precision == "float32")
        chosen, remark = first_without_fault(model, layouts, check)
    if chosen.shared_prompts:
        remark = f" ({saved:.0%} of all tokens less)"
    if os.environ.get("RANK", "0") == "0":
        note(f"rows of a micro batch: {NAMES[chosen]}{remark}")
    return chosen


def tokens_when_shared(example: Example) -> int:
    """Tokens that the policy reads for a row when it reads the prompt once."""
    return len(example.prompt) + example.response_tokens


def _layouts(training: TrainingSection, saved: float) -> list[Collator]:
    """From the leanest to the one that is taken where no leaner one will do."""
    if training.packing is False:
        return [PADDED]
    if training.shared_prompts is True:
        return [SHARED]
    shared = [SHARED] if training.shared_prompts == "auto" and saved >= WORTH_SHARING else []
    return [*shared, PACKED] if training.packing is True else [*shared, PACKED, PADDED]


def _check_scale(model: Any, examples: Sequence[Example]) -> None:
    """Raises `InputError` where what a sequence says depends on the longest one beside it, in any layout."""
    limit = longest_at_one_scale(model.config)
    if limit is not None and any(example.longest_sequence > limit for example in examples):
        raise InputError(
            f"{type(model).__name__} scales the positions of a whole batch once a sequence in it is longer than "
            f"{limit} tokens: log-probabilities would hang on what is beside it (--set training.max_length={limit})"
        )


def first_without_fault(model: Any, layouts: list[Collator], check: PackingCheck) -> tuple[Collator, str]:
    """The layout, and a remark where it is not the first. Raises `InputError` where none will do."""
    inner, last = unwrapped(model), layouts[-1]
    own_attention = inner.config._attn_implementation
    remark = f" (attention '{own_attention}' is not made for packed rows)"
    if use_segments(inner):
        for layout in layouts:
            try:
                if layout is not PADDED:
                    check(layout)
                    return layout, "" if layout is layouts[0] else remark
            except InputError as error:
                if layout is SHARED is last:  # the model's own attention shares none
                    raise
                remark = f" ({error})"
        inner.set_attn_implementation(own_attention)
    if last is not PADDED:
        check(last)
    return last, remark
