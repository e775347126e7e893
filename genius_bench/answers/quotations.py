"""What a text quotes is not what it says: a judge that shows an answer's words has not made them its own."""

import re

SHOWN = re.compile(r"<(answer(?:_[ab])?|response|request|conversation|checklist)>")
"""The tags in which a judge is shown what it judges."""
QUOTED_LINE = re.compile(r"\s*>")
FENCE = re.compile(r"\s*(?:```|~~~)[\w+-]*\s*")


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
