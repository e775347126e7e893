"""Seeds that depend on what is drawn, never on order: batching, resuming and re-ordering change no result."""

from hashlib import blake2b


def seed_of(*parts: str | int) -> int:
    """A 63-bit seed from (run, stage or task, item, repeat, …)."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
