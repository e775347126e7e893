"""Where in a text its final answer stands: shared by the robust graders."""

import re

# "answer is", "answer: …", "answer = …"; the last one counts, since models restate and correct themselves.
PHRASE = re.compile(r"\banswer\s*(?:is\s*:?|:|=)\**\s*", re.IGNORECASE)
SENTENCE_END = re.compile(r"\n|(?<=[^\s.])\.(?=\s|$)|(?<=[^\s.])\.(?=\*+)")


def last_boxed(text: str) -> str | None:
    r"""What the last complete `\boxed{…}` holds, nested braces included; None when there is none."""
    for start in reversed([match.end() for match in re.finditer(r"\\f?boxed\s*\{", text)]):
        depth = 1
        for position in range(start, len(text)):
            escaped = text[position - 1] == "\\" and text[position - 2] != "\\"
            if escaped:
                continue
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                return text[start:position].strip()
    spaced = re.findall(r"\\boxed\s+([^\s$.,{}]+)", text)  # TeX also reads \boxed 5
    return spaced[-1] if spaced else None


def after_phrase(text: str) -> str | None:
    """The rest of the sentence after the last "answer is"; None when the text has no such phrase."""
    ends = [match.end() for match in PHRASE.finditer(text)]
    if not ends:
        return None
    rest = text[ends[-1] :]
    return SENTENCE_END.split(rest, maxsplit=1)[0].strip() or None
