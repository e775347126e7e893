"""How conversations are shown to a judge."""

from collections.abc import Sequence

from genius_bench.rows import Message


def transcript(conversation: Sequence[Message]) -> str:
    """Every turn under the name of its speaker."""
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in conversation)
