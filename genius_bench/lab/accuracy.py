"""How often the lab model is right on a split, greedily and at temperature 1 (used while pre-training)."""

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from genius_bench.lab.items import FAMILIES, evaluation_items

LONGEST_RESPONSE = 90


def stated_answer(family: str, response: str) -> str:
    """What a response answers: the text after its last `The answer is`, or the whole of it if it is code."""
    if family == "lab_functions":
        return response.strip()
    return (
        response.rpartition("The answer is ")[2]
        .strip()
        .removesuffix(".")
        .removeprefix("\\boxed{")
        .removesuffix("}")
    )


@torch.no_grad()
def respond(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, questions: list[str], temperature: float
) -> list[str]:
    """One response per question; temperature 0 is greedy."""
    chats = [[{"role": "user", "content": question}] for question in questions]
    batch = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    sampling: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    ids = model.generate(**batch, **sampling, max_new_tokens=LONGEST_RESPONSE)
    return tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


def accuracies(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, count: int, split: str = "tuning"
) -> dict[str, tuple[float, float]]:
    """Family to its share of right answers (greedy, at temperature 1) over `count` items."""
    model.eval()
    table = {}
    for family in FAMILIES:
        items = evaluation_items(family, split, count)
        questions = [item["question"] for item in items]
        greedy, sampled = (
            sum(
                stated_answer(family, response) == item["answer"]
                for response, item in zip(
                    respond(model, tokenizer, questions, temperature), items, strict=True
                )
            )
            / count
            for temperature in (0.0, 1.0)
        )
        table[family] = (greedy, sampled)
    return table
