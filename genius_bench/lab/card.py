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

A Llama with {parameters:,} parameters, pre-trained on procedurally generated reasoning text whose authors
disagree, so that self-training methods can be compared on a laptop and learning, sharpening and collapse come
apart. It knows the lab's seven task families, its general instructions, judging and helpful/unhelpful markers,
and nothing else. Its numbers say nothing about large models.

## How it was made

```
{command}
```

{tokens:,} tokens of the lab's pre-training split in {minutes:.0f} minutes on {device}, the loss on assistant
tokens only; another number of cores adds gradients up in another order and makes a slightly different model.
The first three tenths hold authors without slips only. After that, four in ten demonstrations are written by
sloppy authors, who get 55 % of their steps wrong and carry on from there. And in four to five of ten problems
stands a phrase that a known share of all authors misreads ("borrows" as giving away, "the third term" as after
three moves):

- **plain** items have none. Headroom is in sizes and lengths that pre-training never shows;
- **aligned**: 42 % misread the phrase, all in the same words; the others begin their line in one of two ways.
  The most frequent text is wrong, most texts are right: a vote gains there, a lower temperature loses;
- **misaligned**: 66 % misread it. The model's most frequent answer is wrong, the right one is among its
  samples;
- **misaligned, telling**: likewise, but who misreads it slips later on (35 % of them at least once) and the
  others do not, so that a look ahead can know what a vote cannot.

Levels 1 to 5 are numbers of steps; at 4 and 5 half of the numbers are larger than any that was shown, and some
chains are longer.

## What it can do

On the tuning split, {items} items per family, in percent (`python -m genius_bench.lab.measuring`):

{table}

## What was tried

A base that is shown each rule by one kind of author alone is right in 99.7 % when greedy, and every method can
only sharpen it. Longer problems than it was shown give next to no headroom (greedy 1 to 8 %), rarity of a level
none (100 % on every level it has seen, however seldom), larger numbers some (59 %). A rule that most authors
hold wrongly does: greedy 0 %, the majority of 32 right in 8 to 28 %, a right one among 32 in 97 to 100 %.

## Licence

Apache-2.0, as the rest of genius-bench. No third-party text or weights went into it.
"""


def write_card(
    out: Path,
    model: PreTrainedModel,
    table: str,
    tokens: int,
    minutes: float,
    command: str,
    device: str,
    items: int,
) -> None:
    """Write `README.md` next to the weights and print its table."""
    card = CARD.format(
        parameters=model.num_parameters(),
        command=command,
        tokens=tokens,
        minutes=minutes,
        device=f"{os.cpu_count()} CPU cores" if device == "cpu" else device,
        items=items,
        table=table,
    )
    (out / "README.md").write_text(card, encoding="utf-8")
    print(table, flush=True)
