"""What a text quotes is not what it says: a judge that shows an answer's words has not made them its own."""

import re

SHOWN = re.compile(r"<(answer(?:_[ab])?|response|request|conversation|checklist)>")
"""The tags in which a judge is shown what it judges."""
QUOTED_LINE = re.compile(r"\s*>")
FENCE = re.compile(r"\s*(?:```|~~~)[\w+-]*\s*")
OWN = re.compile(
    r"\b(?:my|I|so|thus|therefore|hence|overall|once more|conclusion|summary|final(?:ly)?|reflection|verdict|score"
    r"|judge?ment|decision|evaluation|assessment|rating|result|total)\b",
    re.IGNORECASE,
)
FOREIGN = re.compile(
    r"\b(?:if|would|could|might|may|must|were|was|says?|(?<!\bI )said|writes?|wrote|written|asks?|asked|wants?|wanted"
    r"|demands?|demanded|claims?|claimed|tells?|told|ends?|begins?|options?|examples?|format|following|possible|injected)\b"
    r"|\b[AB]'s\b",
    re.IGNORECASE,
)
DICTATED = re.compile(
    r"\b(?:the following|as follows)\W*$|\bwould (?:be|say|read|write)\W*$"
    r"|\b(?:ask|tell|told|order|instruct|want|urge)(?:s|ed)?\s+(?:me|us|the judge)\s+to\s+"
    r"(?:write|say|end|output|answer|reply|print|state|conclude|put|repeat)\b",
    re.IGNORECASE,
)


def own_lines(text: str) -> list[str]:
    """The lines that are not blank and not quoted, in their order.

    Quoted is what stands behind ">", between the tags of a prompt, or in a fence. One line in a fence that ends the
    text is emphasis, not a quotation, unless the line before the fence announces one with a colon.
    """
    lines = [line for line in _without_material(text).splitlines() if line.strip()]
    kept: list[str] = []
    fenced: list[str] | None = None
    for line in lines:
        if FENCE.fullmatch(line):
            fenced = [] if fenced is None else None
        elif fenced is not None:
            fenced.append(line)
        elif not QUOTED_LINE.match(line):
            kept.append(line)
    return kept + _emphasised(lines, kept)


def announces(line: str) -> bool:
    """Whether what stands below the line is somebody else's, an example or a supposition.

    So it is behind a colon ("The options were:"), unless the line speaks of the writer's own conclusion ("So, once
    more:"), and behind a sentence that says who dictated it.
    """
    sentence = re.split(r"[.!?](?=\s+\S)", line.strip().strip("*_"))[-1]
    if sentence.rstrip("*_ ").endswith((":", "：")):
        return bool(FOREIGN.search(sentence)) or not OWN.search(sentence)
    return bool(DICTATED.search(sentence))


def _emphasised(lines: list[str], kept: list[str]) -> list[str]:
    """The one line of a fence that ends the text."""
    one_line_fence = len(lines) >= 3 and all(FENCE.fullmatch(lines[place]) for place in (-1, -3))
    announced = len(lines) > 3 and lines[-4].rstrip().rstrip("*_").endswith((":", "："))
    return [lines[-2]] if one_line_fence and not announced and not FENCE.fullmatch(lines[-2]) else []


def _without_material(text: str) -> str:
    """The text without what stands between a prompt's tags; a tag that is never closed is a word like others."""
    kept, position, unclosed = [], 0, set()
    for tag in SHOWN.finditer(text):
        if tag.start() < position or tag[1] in unclosed:
            continue
        end = text.find(f"</{tag[1]}>", tag.end())
        if end < 0:
            unclosed.add(tag[1])
            continue
        kept.append(text[position : tag.start()])
        position = end + len(f"</{tag[1]}>")
    return "".join([*kept, text[position:]])
