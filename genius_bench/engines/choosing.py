"""The choice of the next token: one uniform number per request and position, so batches do not matter."""

from math import log

import numpy as np
import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(seeds: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """One number in [0, 1) per (seed, position): the SplitMix64 generator, evaluated where it is needed.

    Both arrays are uint64 of shape [rows].
    """
    with np.errstate(over="ignore"):
        state = seeds + (positions + np.uint64(1)) * _GOLDEN
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    numbers: np.ndarray = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers


def choose_tokens(
    logits: torch.Tensor, temperatures: torch.Tensor, top_ps: torch.Tensor, randomness: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Next tokens and their log-probabilities under the unscaled policy, both [rows].

    `logits` are float32 [rows, vocabulary]; temperature 0 takes the most probable token. The token drawn is the
    one in whose slice of the cumulative distribution `randomness` (float64 in [0, 1), [rows]) falls.
    """
    logprobs = logits.log_softmax(-1)
    greedy = temperatures == 0
    if bool(greedy.all()):
        tokens = logits.argmax(-1)
    else:
        divisors = torch.where(greedy, torch.ones_like(temperatures), temperatures)
        probabilities = (logits / divisors[:, None]).softmax(-1)
        if bool((top_ps < 1).any()):
            probabilities = nucleus(probabilities, top_ps)
        cumulative = probabilities.double().cumsum(-1)
        targets = randomness[:, None] * cumulative[:, -1:]
        drawn = torch.searchsorted(cumulative, targets, right=True).squeeze(-1)
        tokens = drawn.clamp(max=logits.shape[-1] - 1)
        if bool(greedy.any()):
            tokens = torch.where(greedy, logits.argmax(-1), tokens)
    return tokens, logprobs.gather(-1, tokens[:, None]).squeeze(-1)


def entropies_of(logits: torch.Tensor, temperatures: torch.Tensor) -> torch.Tensor:
    """The entropy of each row's next token at its temperature, nats, [rows]; shapes as in `choose_tokens`."""
    greedy = temperatures == 0
    divisors = torch.where(greedy, torch.ones_like(temperatures), temperatures)
    logprobs = (logits / divisors[:, None]).log_softmax(-1)
    # A token of probability zero adds nothing, but 0 * -inf is no number.
    entropies = -(logprobs.exp() * logprobs.clamp(min=torch.finfo(logprobs.dtype).min)).sum(-1)
    return entropies.masked_fill(greedy, 0.0)


def certainties_of(logits: torch.Tensor) -> torch.Tensor:
    """KL(U‖p) = logsumexp(z) − mean(z) − ln V of each row's next token, nats, [rows] (arXiv 2502.18581).

    The mean is over all of the vocabulary, unlikely tokens most of all: `logits` must hold no row that is no token.
    """
    return logits.logsumexp(-1) - logits.mean(-1) - log(logits.shape[-1])


def nucleus(probabilities: torch.Tensor, top_ps: torch.Tensor) -> torch.Tensor:
    """Zeroes all but the smallest set of most probable tokens whose mass reaches top-p (not renormalised)."""
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = ordered.masked_fill(before >= top_ps[:, None], 0.0)
    return torch.zeros_like(probabilities).scatter(-1, order, kept)
