"""The model card of the lab's base model."""

import os
from pathlib import Path

from transformers import PreTrainedModel

CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
language: en
---

# The genius-bench lab base model

A Llama with {parameters:,} parameters, pre-trained on procedurally generated reasoning text to an imperfect
level, so that self-training methods can be compared on a laptop. It knows the lab's seven task families, its
general instructions, judging and helpful/unhelpful markers, and nothing else. Its numbers say nothing about
large models.

## How it was made

```
{command}
```

{tokens:,} tokens of the lab's pre-training split in {minutes:.0f} minutes on {device}, the loss on
assistant tokens only; another number of cores adds gradients up in another order and makes a slightly different
model. The first three tenths hold careful authors only. After that, four in ten demonstrations are written by
sloppy authors, who get 55 % of their steps wrong and carry on from there. That is why the model knows better than
it samples: greedy decoding follows the careful majority, temperature 1 follows everybody.

## Accuracy on the tuning split

{items} items per family, one sample each.

| family | greedy | T=1 |
|---|---|---|
{table}

## Licence

Apache-2.0, as the rest of genius-bench. No third-party text or weights went into it.
"""


def write_card(
    out: Path,
    model: PreTrainedModel,
    table: dict[str, tuple[float, float]],
    tokens: int,
    minutes: float,
    command: str,
    device: str,
    items: int = 200,
) -> None:
    """Write `README.md` next to the weights and print its table."""
    rows = [f"| `{family}` | {greedy:.1%} | {sampled:.1%} |" for family, (greedy, sampled) in table.items()]
    means = [sum(column) / len(table) for column in zip(*table.values(), strict=True)]
    rows.append(f"| mean | {means[0]:.1%} | {means[1]:.1%} |")
    card = CARD.format(
        parameters=model.num_parameters(),
        command=command,
        tokens=tokens,
        minutes=minutes,
        device=f"{os.cpu_count()} CPU cores" if device == "cpu" else device,
        items=items,
        table="\n".join(rows),
    )
    (out / "README.md").write_text(card, encoding="utf-8")
    print("\n".join(rows), flush=True)
