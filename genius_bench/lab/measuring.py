"""What a lab model can do: `python -m genius_bench.lab.measuring [MODEL]` measures it on the tuning split.

Of every family, every level and every kind of item (what its prior is, and whether anything but the majority could
tell): how often the greedy answer is right, a sample at temperature 1, the majority of the samples, and one of them at
least.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from genius_bench.lab import MODEL_PATH
from genius_bench.lab.items import FAMILIES, evaluation_items

LONGEST_RESPONSE = 128
ROWS = 512
"""Responses that are generated at a time."""
COLUMNS = ("greedy", "T=1", "maj@{0}", "pass@{0}", "majority wrong")


@dataclass(frozen=True)
class Measured:
    """One item: shares between 0 and 1."""

    item: dict[str, Any]
    greedy: float
    sampled: float
    majority: float
    """Whether the most frequent answer is right; the mean over answers that tie."""
    solved: float
    """Whether at least one sample is right."""


def stated_answer(family: str, response: str) -> str:
    """What a response answers: the text after its last `The answer is`, or the whole of it if it is code."""
    if family == "lab_functions":  # the two ways in which a condition is written
        return response.strip().replace("not y > ", "y <= ").replace("not y < ", "y >= ")
    return (
        response.rpartition("The answer is ")[2]
        .strip()
        .removesuffix(".")
        .removeprefix("\\boxed{")
        .removesuffix("}")
    )


@torch.no_grad()
def respond(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, questions: Sequence[str], temperature: float
) -> list[str]:
    """One response per question; temperature 0 is greedy."""
    sampling: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    responses: list[str] = []
    for start in range(0, len(questions), ROWS):
        chats = [[{"role": "user", "content": question}] for question in questions[start : start + ROWS]]
        batch = tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        ).to(model.device)
        ids = model.generate(**batch, **sampling, max_new_tokens=LONGEST_RESPONSE)
        responses += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return responses


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    count: int,
    samples: int = 1,
    split: str = "tuning",
) -> list[Measured]:
    """`count` items of every family, levels in equal parts, each answered greedily and by `samples` samples."""
    model.eval()
    found = []
    for family in FAMILIES:
        items = evaluation_items(family, split, count)
        questions = [item["question"] for item in items]
        greedy = respond(model, tokenizer, questions, 0.0)
        sampled = respond(model, tokenizer, [one for one in questions for _ in range(samples)], 1.0)
        for number, item in enumerate(items):
            answers = [
                stated_answer(family, one) for one in sampled[number * samples : (number + 1) * samples]
            ]
            right = item["answer"]
            found.append(
                Measured(
                    item=item,
                    greedy=float(stated_answer(family, greedy[number]) == right),
                    sampled=answers.count(right) / samples,
                    majority=_majority(answers, right),
                    solved=float(right in answers),
                )
            )
    return found


def _majority(answers: Sequence[str], right: str) -> float:
    counts = Counter(answers)
    tied = [answer for answer, count in counts.items() if count == max(counts.values())]
    return (right in tied) / len(tied)


def table_of(found: Sequence[Measured], samples: int) -> str:
    """Markdown: by family, by level, by kind of item, all in percent."""
    groups: dict[str, Callable[[dict[str, Any]], bool]] = {
        **{f"`{family}`": lambda item, family=family: item["id"].startswith(family) for family in FAMILIES},  # type: ignore[misc]
        **{f"level {level}": lambda item, level=level: item["level"] == level for level in range(1, 6)},  # type: ignore[misc]
        **{
            f"{prior}{' that tells' if tells else ''}": lambda item, prior=prior, tells=tells: (  # type: ignore[misc]
                (item["prior"], item["tells"]) == (prior, tells)
            )
            for prior, tells in (
                ("plain", False),
                ("aligned", False),
                ("misaligned", False),
                ("misaligned", True),
            )
        },
        "all": lambda item: True,
    }
    head = [column.format(samples) for column in ("items", *COLUMNS)]
    lines = [f"| | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for name, belongs in groups.items():
        rows = [one for one in found if belongs(one.item)]
        if rows:
            lines.append(f"| {name} | {len(rows)} | {' | '.join(_cells(rows))} |")
    return "\n".join(lines)


def _cells(rows: Sequence[Measured]) -> list[str]:
    means = [
        sum(getattr(one, name) for one in rows) / len(rows)
        for name in ("greedy", "sampled", "majority", "solved")
    ]
    wrong = sum(one.majority < 0.5 for one in rows) / len(rows)
    return [f"{100 * value:.1f}" for value in (*means, wrong)]


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?", default=MODEL_PATH, help="folder of the model")
    parser.add_argument("--items", type=int, default=100, help="items per family")
    parser.add_argument("--samples", type=int, default=64, help="samples per item")
    parser.add_argument("--split", default="tuning")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(options.model, padding_side="left")
    print(table_of(measure(model, tokenizer, options.items, options.samples, options.split), options.samples))


if __name__ == "__main__":
    main()
