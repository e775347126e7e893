"""What a policy thinks of its own responses: how probable they are, and how certain it was of every word."""

from collections.abc import Sequence

from genius_bench.engines.interface import Completion
from genius_bench.sampling.answers import final_answer


def log_probability(response: Completion) -> float:
    """log π(y|x) in nats, of the whole response: shorter ones tend to have more of it."""
    return sum(response.logprobs)


def log_probability_per_token(response: Completion) -> float:
    return sum(response.logprobs) / len(response.logprobs)


def certainty(response: Completion) -> float:
    """Self-certainty: KL(U‖π(·|x, y_<t)) in nats, averaged over the response's tokens (arXiv 2502.18581)."""
    return sum(response.certainties) / len(response.certainties)


def borda_votes(scores: Sequence[float], answers: Sequence[str | None], power: float) -> dict[str, float]:
    """Votes for every answer: of N responses, the one ranked r-th (from 0) gives its answer (N − r)^power.

    Power 0 is a majority vote, a large one takes the answer of the best. Responses without an answer take a rank and
    give nothing.
    """
    ranked = sorted(range(len(scores)), key=lambda place: -scores[place])
    votes: dict[str, float] = {}
    for rank, place in enumerate(ranked):
        if (answer := answers[place]) is not None:
            votes[answer] = votes.get(answer, 0.0) + (len(scores) - rank) ** power
    return votes


def answers_of(responses: Sequence[Completion]) -> list[str | None]:
    return [final_answer(response.text) for response in responses]
