"""What a checkpoint cost: tokens, operations and time, added up over the artifacts that it came from."""

from dataclasses import asdict, dataclass

from genius_bench.artifacts import Artifact, Store
from genius_bench.runs import Run


@dataclass(frozen=True, kw_only=True)
class Cost:
    """From the base to a checkpoint, all iterations before it included.

    Tokens are what the method needs, whoever paid for them first: samples that another run had drawn count in full.
    `seconds` are those that the artifacts took when they were made, so shared work shortens them.
    """

    tokens_sampled: float = 0.0
    tokens_judged: float = 0.0
    """Written by the policy as a judge of its own responses."""
    tokens_read: float = 0.0
    """Prompts that sampling and judging began from."""
    tokens_referenced: float = 0.0
    """Read by the reference policy in a pass of its own; none where sampling recorded them."""
    tokens_trained: float = 0.0
    """Prompt and response tokens of all rows and epochs."""
    flops: float = 0.0
    """Estimated: 2 per weight and token read or written, 6 per weight and token trained (forward and backward)."""
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        mine, theirs = asdict(self), asdict(other)
        return Cost(**{name: mine[name] + theirs[name] for name in mine})

    def __truediv__(self, number: int) -> "Cost":
        return Cost(**{name: value / number for name, value in asdict(self).items()})


def cost_of(store: Store, run: Run, iteration: int) -> Cost | None:
    """The cost of the checkpoint of an iteration (1, 2, …); None when an artifact on its way is gone."""
    total = Cost()
    for checkpoint in run.checkpoints[:iteration]:
        training_set = store.find("training-set", checkpoint["training_set"])
        trained = store.find("checkpoint", checkpoint["key"])
        collection = (
            store.find("collection", training_set.manifest["inputs"]["collection"]) if training_set else None
        )
        if collection is None or trained is None:
            return None
        total += _cost_of_iteration(collection, trained)
    return total


def _cost_of_iteration(collection: Artifact, trained: Artifact) -> Cost:
    sampling, training = collection.manifest["counters"], trained.manifest["counters"]
    tokens = {name: sampling.get(name, 0.0) for name in ("tokens_sampled", "tokens_judged", "tokens_read")}
    tokens |= {name: training.get(name, 0.0) for name in ("tokens_referenced", "tokens_trained")}
    once = sum(tokens.values()) - tokens["tokens_trained"]
    return Cost(
        **tokens,
        flops=training.get("parameters", 0.0) * (2 * once + 6 * tokens["tokens_trained"]),
        seconds=sampling["wall_seconds"] + training["wall_seconds"],
    )
