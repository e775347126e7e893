"""Every choice of foresight re-sampling that paper and release leave open or make differently, as named options."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from genius_bench.layers import Layer
from genius_bench.recipe import Section


class ForesightOptions(Section):
    """The `sampling` section of Genius. Defaults follow the paper; its Appendix B.2 where the text gives no value."""

    beam_size: PositiveInt = 2
    """M: prefixes kept after each step."""
    rollouts: PositiveInt = 4
    """N: candidate steps per beam."""
    steps: PositiveInt = 4
    """K: steps at which look-ahead is run; one pair each."""
    tau: PositiveFloat = 0.1
    """τ of Eq. 2. The paper gives no value; this is the release's."""
    step_temperature: PositiveFloat = 0.6
    foresight_temperature: PositiveFloat = 1.0
    """Equal temperatures make a step and its look-ahead one request."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    step_max_tokens: PositiveInt = 1024
    foresight_max_tokens: PositiveInt = 1024
    step_delimiter: str = "\n"
    end_tag: str = ""
    """A text after which an answer counts as finished, beside the end-of-sequence token."""
    answer_prefix: str = ""
    """Start of every answer, given, not sampled, and never trained."""
    score: Literal["foresight", "step"] = "foresight"
    """What f is the mean log-probability of: the look-ahead (Eq. 1), or the step itself (ablation w/o foresight)."""
    beams: Literal["without_replacement", "with_replacement", "highest"] = "without_replacement"
    """How the next beams are chosen from F (Eq. 3), or the best ones (ablation w/o sampling)."""
    rejected: Literal["foresight_distribution", "uniform", "lowest"] = "foresight_distribution"
    """How the rejected response is chosen among the others (Eq. 5)."""
    empty_steps: Literal["continue", "accept"] = "continue"
    """A step that is blank so far goes on to the next delimiter (at most three times), or counts as a step."""
    finished: Literal["freeze", "score"] = "freeze"
    """A finished answer keeps its own step's score, or its look-ahead of no token gets the best score, 0."""
    unfinished: Literal["drop", "keep"] = "drop"
    """Pairs with a response that ran into its limit of tokens."""
    duplicates: Literal["leave_out", "keep"] = "leave_out"
    """A candidate like the chosen one cannot be rejected, and a pair that comes up again counts once; or neither holds,
    as in the release (a pair of equal halves is then dropped and counted when it is to be trained on)."""
    rendering: Literal["template", "released"] = "template"
    """The chat template as it is, or the release's: end-of-sequence texts deleted, two beginning-of-sequence tokens."""
    joining: Literal["tokens", "released"] = "tokens"
    """Sampled token ids as they are, or text stripped, re-joined by newlines and tokenised again."""
    training_context: Literal["query", "response_only"] = "query"
    """Pairs conditioned on the query, or (release) the response alone, template headers trained too."""


RELEASED: Layer = {
    "sampling": {
        "answer_prefix": "The reasoning steps are:\n\n",
        "end_tag": "<end_of_reasoning>",
        "rejected": "uniform",
        "empty_steps": "accept",
        "finished": "score",
        "unfinished": "keep",
        "duplicates": "keep",
        "rendering": "released",
        "joining": "released",
        "training_context": "response_only",
    },
    "objective": {"weighting": "max"},
    "training": {"max_length": 1300, "reference": "recompute"},
}
"""What the public code does, bug for bug."""

NO_FORESIGHT: Layer = {"sampling": {"score": "step"}}
"""Table 3, w/o foresight: candidates are scored by the uncertainty of their own step."""

NO_SAMPLING: Layer = {"sampling": {"beams": "highest", "rejected": "lowest"}}
"""Table 3, w/o sampling: the best steps become beams, the lowest is rejected."""
