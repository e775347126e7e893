"""What is said behind a verdict or a mark: a reason leaves it as it is, a correction takes it back."""

import re

FAULTS = (
    r"(?:\w+\s+)?(?:mistake|error|fault|flaw|issue|problem|gap|omission|explanation|example|source|reason)s?"
)
RETRACTION = re.compile(
    rf"\?|[❌✗✘👎🤔]|\bno\b(?!\s+{FAULTS}\b)|(?<!\bdoes )(?<!\bdid )(?<!\bhas )\bnot\b"
    r"|\b(?:is|was|are|should|would)n't\b"
    r"|\b(?:wait|hmm+|oops|sorry|scratch|or|rather|instead|actually|(?:re)?consider\w*|thoughts?|reflection|doubt\w*"
    r"|should|would|ought|could|if|unless|perhaps|maybe|corrected|correction|revised|changed?|mean|meant"
    r"|lower|higher|too\s+(?:high|low|generous|kind|harsh|strict)|other\s+way|opposite|reversed?|revers\w+)\b",
    re.IGNORECASE,
)
REASON = re.compile(r"\b(?:because|since|as)\b", re.IGNORECASE)
COUNT = re.compile(
    rf"\b(?:meets|met|meeting|satisfies|fulfils|covers|has|passes)\s+(?:all\s+)?\d+(?:\s*(?:/|(?:out\s+)?of)\s*(?:the\s+)?\d+)?"
    rf"|\b\d+\s+{FAULTS}\b",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"\d|\b(?:zero|two|three|four|five|six|seven|eight|nine|ten)\b(?=\s*(?:[^\w\s]|$|points?\b|out\b))",
    re.IGNORECASE,
)


def takes_back(remark: str) -> bool:
    """Whether the remark has a word of doubt or correction."""
    return RETRACTION.search(remark) is not None


def without_scale(remark: str, highest: int) -> str:
    """The remark without "/10", "out of 10", "scale of 1-10" and the like, where 10 is the highest mark."""
    scale = (
        r"(?:(?:/|\b(?:(?:on\s+)?(?:an?\s+|the\s+)?scale\s+(?:of|from)|(?:out\s+)?of|max(?:imum)?)\b)\s*"
        r"(?:a\s+(?:possible|maximum\s+of)\s+)?(?:[01]\s*(?:[-–]|to)\s*)?|(?<![\d.,])[01]\s*(?:[-–]|to)\s*)"
        rf"{highest}\b(?![.,]\d)(?:\s*(?:points?|pts?)\b)?"
    )
    return re.sub(scale, "", COUNT.sub("", remark), flags=re.IGNORECASE)


def changes_mark(remark: str, highest: int) -> bool:
    """Whether the remark behind a mark takes it back, names another mark or another scale.

    Numbers that give a reason ("because 3 + 4 is 7") or count ("meets 4 of 5 points") are no marks.
    """
    before_reason = REASON.split(without_scale(remark, highest), maxsplit=1)[0]
    return takes_back(remark) or NUMBER.search(before_reason) is not None
