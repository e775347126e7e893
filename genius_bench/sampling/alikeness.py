"""How alike two responses are by the tokens that they use, in whatever order (Jaccard)."""

from collections.abc import Iterable

TokenIds = tuple[int, ...]


def alikeness(one: TokenIds, other: TokenIds) -> float:
    """Tokens that both use, as a share of those that either uses: 0 for nothing in common, 1 for the same tokens."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second)


def unlike(responses: Iterable[TokenIds], limit: float) -> list[TokenIds]:
    """Those that are at most as alike as `limit` to all that are kept before them."""
    kept: list[TokenIds] = []
    for response in responses:
        if all(alikeness(response, other) <= limit for other in kept):
            kept.append(response)
    return kept
