"""What a judge is asked and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.integrity import digest_of
from genius_bench.rows import Message

Prompt = Sequence[Message]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A judge's words, or why there are none (`error`, in one line; such a reply is asked for again next time).

    Token counts are the judge's own; 0 where it states none. `about_prompt` marks an error that another prompt
    need not meet (too long, refused by a content filter). `reused` replies were paid for by an earlier run.
    """

    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = ""
    error: str = ""
    about_prompt: bool = False
    reused: bool = False


def prompt_digest(prompt: Prompt) -> str:
    """SHA-256 of the messages, role by role."""
    return digest_of([[message["role"], message["content"]] for message in prompt])
