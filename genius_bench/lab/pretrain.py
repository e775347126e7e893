"""Make the lab's base model: `python -m genius_bench.lab.pretrain --out DIR`.

A plain loop. Documents are grouped by length and padded, never packed, so that positions mean the same in
training and in use; the loss is on assistant tokens only.
"""

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from genius_bench.lab.card import write_card
from genius_bench.lab.documents import Document, stream
from genius_bench.lab.measuring import measure, table_of
from genius_bench.lab.muon import Muon
from genius_bench.lab.tokenizer import train_tokenizer

ITEMS = 100
SAMPLES = 64
"""Tuning items per family behind the numbers of the card, and samples of each."""
POOL = 4096
"""Documents drawn at a time and sorted by length before they are cut into batches."""


CAREFUL_SHARE = 0.3
"""How much of the training passes before the first sloppy demonstration."""
DOCUMENT_LENGTH = 82
"""Mean tokens of a document, with its special tokens."""


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama of about a million parameters, freshly initialised."""
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        initializer_range=0.03,
        **special,
    )
    return LlamaForCausalLM(config)


def batches(
    tokenizer: PreTrainedTokenizerFast, documents: Iterator[Document], size: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Padded token ids and the mask of assistant tokens, each batch of about `size` tokens."""
    rng = Random(seed)
    before = tokenizer.convert_tokens_to_ids(["<s>", "<|user|>"])
    between = tokenizer.convert_tokens_to_ids(["<|end|>", "<|assistant|>"])
    while True:
        pool = list(islice(documents, POOL))
        prompts = tokenizer([document.prompt for document in pool])["input_ids"]
        responses = tokenizer([document.response for document in pool])["input_ids"]
        rows = []
        for prompt, response in zip(prompts, responses, strict=True):
            head = [*before, *prompt, *between]
            rows.append((head + response + between[:1], len(head)))
        rows.sort(key=lambda row: len(row[0]))
        cut, start = [], 0
        for end in range(1, len(rows) + 1):
            if end == len(rows) or len(rows[end][0]) * (end + 1 - start) > size:
                cut.append(rows[start:end])
                start = end
        rng.shuffle(cut)
        for group in cut:
            ids = torch.full((len(group), len(group[-1][0])), tokenizer.pad_token_id)
            answered = torch.zeros_like(ids, dtype=torch.bool)
            for i, (tokens, head_length) in enumerate(group):
                ids[i, : len(tokens)] = torch.tensor(tokens)
                answered[i, head_length : len(tokens)] = True
            yield ids, answered


def build_optimisers(
    model: LlamaForCausalLM, rate: float, pool: ThreadPoolExecutor
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim == 1] + [model.get_input_embeddings().weight]
    return [
        Muon(matrices, rate, pool),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def rate_factor(done: float) -> float:
    """Learning-rate factor when `done` (0 to 1) of the tokens are seen: short warm-up, then linear to zero."""
    return min(done / 0.02 + 0.01, 1.0) * max(1.0 - done, 0.0)


def response_loss(model: LlamaForCausalLM, ids: torch.Tensor, answered: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy of the assistant tokens; padding is on the right, so causality alone hides it."""
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    targets = answered[:, 1:]
    return functional.cross_entropy(model.lm_head(hidden[targets]), ids[:, 1:][targets], reduction="sum")


def accumulate_gradients(
    model: LlamaForCausalLM, ids: torch.Tensor, answered: torch.Tensor, pool: ThreadPoolExecutor, parts: int
) -> float:
    """Set the gradients of the mean loss of a batch and return that loss.

    On a CPU a model this small gains nothing from threads within an operation, but almost double from two
    threads that each take half of the batch.
    """
    parameters = list(model.parameters())

    def part(rows: slice) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        loss = response_loss(model, ids[rows], answered[rows])
        return loss.detach(), torch.autograd.grad(loss, parameters)

    losses, gradients = zip(
        *pool.map(part, (slice(i, None, parts) for i in range(min(parts, len(ids))))), strict=True
    )
    count = answered.sum()
    for parameter, pieces in zip(parameters, zip(*gradients, strict=True), strict=True):
        parameter.grad = sum(pieces) / count
    return float(sum(losses) / count)


def pretrain(
    out: Path,
    tokens: int,
    seed: int,
    device: str,
    batch: int,
    rate: float,
    checks: int,
) -> None:
    """Train the tokenizer and the model and leave both, with a card, in `out`."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(seed=seed)
    model = build_model(tokenizer).to(device)
    parts = 1 if device == "cuda" else min(os.cpu_count() or 1, 4)
    torch.set_num_threads(1 if parts > 1 else torch.get_num_threads())
    pool = ThreadPoolExecutor(parts)
    optimisers = build_optimisers(model, rate, pool)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens", flush=True)
    start, seen, checked, recent = time.monotonic(), 0, 0, 0.0
    documents = stream(seed + 1, careful=int(tokens * CAREFUL_SHARE / DOCUMENT_LENGTH))
    for step, (ids, answered) in enumerate(batches(tokenizer, documents, batch, seed), 1):
        done = seen / tokens
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * rate_factor(done)
        model.train()
        loss = accumulate_gradients(model, ids.to(device), answered.to(device), pool, parts)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        seen += int((ids != tokenizer.pad_token_id).sum())
        recent = loss if step == 1 else 0.99 * recent + 0.01 * loss
        if step % 250 == 0:
            speed = seen / (time.monotonic() - start)
            left = max(0, tokens - seen) / speed / 60
            print(
                f"step {step}: loss {recent:.4f}, {seen:,} tokens, {speed:,.0f}/s, {left:.1f} min left",
                flush=True,
            )
        if done >= 1:
            break
        if done >= (checked + 1) / checks:
            checked += 1
            _report(model, tokenizer)
            model.save_pretrained(out)
            tokenizer.save_pretrained(out)
    took = (time.monotonic() - start) / 60
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    command = (
        f"python -m genius_bench.lab.pretrain --tokens {tokens} --seed {seed} --batch {batch} --rate {rate}"
    )
    torch.manual_seed(seed)
    table = table_of(measure(model, tokenizer, ITEMS, SAMPLES), SAMPLES)
    write_card(out, model, table, seen, took, command, str(device), ITEMS)


def _report(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    # Evaluating must not change what is trained, so the generator's state is put back.
    with torch.random.fork_rng():
        print(table_of(measure(model, tokenizer, 40), 1), flush=True)


def main() -> None:
    """Parse the command line and pre-train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--tokens", type=int, default=12_000_000, help="tokens to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--batch", type=int, default=1536, help="tokens per step")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--checks", type=int, default=8, help="how often to report accuracies")
    options = parser.parse_args()
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    pretrain(
        options.out,
        options.tokens,
        options.seed,
        device,
        options.batch,
        options.rate,
        options.checks,
    )


if __name__ == "__main__":
    main()
