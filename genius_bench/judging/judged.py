"""What a judge made of one question, in the shape that metrics work on."""

from collections.abc import Sequence
from dataclasses import dataclass

from genius_bench.judging.replies import Reply


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One question's judgements.

    `value` is None when no verdict could be had: of comparisons the share of wins of the model under test (0 to 1),
    of ratings the mark (1 to 10). `weight` is the sum of its verdicts' weights (0 without a verdict). `verdicts` are
    what was read out of the `raw` replies, in the order in which they were asked for, None for a failure;
    `errors` say why a reply is missing ("" where there is one). Tokens are as the judge states them.
    """

    id: str
    value: float | None
    weight: float
    verdicts: tuple[str | None, ...]
    raw: tuple[str, ...]
    errors: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    reused: int
    """Replies that an earlier run has paid for."""

    @property
    def failures(self) -> int:
        """Judgements that were asked for and gave no verdict."""
        return self.verdicts.count(None)


def judged_from(
    item_id: str,
    replies: Sequence[Reply],
    verdicts: Sequence[str | None],
    value: float | None,
    weight: float,
) -> Judged:
    """A question's verdicts together with what they were read from and what they took."""
    return Judged(
        id=item_id,
        value=value,
        weight=weight,
        verdicts=tuple(verdicts),
        raw=tuple(reply.text for reply in replies),
        errors=tuple(reply.error for reply in replies),
        prompt_tokens=sum(reply.prompt_tokens for reply in replies),
        completion_tokens=sum(reply.completion_tokens for reply in replies),
        reused=sum(reply.reused for reply in replies),
    )
