"""What a checkpoint cost: tokens, operations and time, added up over the artifacts that it came from."""

from dataclasses import asdict, dataclass

from genius_bench.artifacts import Artifact, Store
from genius_bench.runs import Run

TOKENS = ("tokens_sampled", "tokens_judged", "tokens_read", "tokens_referenced", "tokens_trained")


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
        trained = store.find("checkpoint", checkpoint["key"])
        if trained is None:
            return None
        made_by = [trained]
        if "training_set" in checkpoint:  # an online method samples where it trains
            collection = _collection_of(store, checkpoint["training_set"])
            if collection is None:
                return None
            made_by.append(collection)
        total += _cost_of_iteration(made_by, trained.manifest["counters"].get("parameters", 0.0))
    return total


def _collection_of(store: Store, training_set: str) -> Artifact | None:
    found = store.find("training-set", training_set)
    return store.find("collection", found.manifest["inputs"]["collection"]) if found else None


def _cost_of_iteration(made_by: list[Artifact], parameters: float) -> Cost:
    counters = [artifact.manifest["counters"] for artifact in made_by]
    tokens = {name: sum(of.get(name, 0.0) for of in counters) for name in TOKENS}
    once = sum(tokens.values()) - tokens["tokens_trained"]
    return Cost(
        **tokens,
        flops=parameters * (2 * once + 6 * tokens["tokens_trained"]),
        seconds=sum(of["wall_seconds"] for of in counters),
    )
