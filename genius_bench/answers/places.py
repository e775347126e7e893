"""Where in a text its final answer stands: shared by the robust graders."""

import re

# "answer is", "Answer: …", "answer = …", `"answer": …`, <answer>…, 答案是…: the last one counts, since models restate
# and correct themselves. "which answer is …" and "the answer is correct" speak about an answer without giving one.
STATED = (
    r"(?:\s+to\s+(?:the|this)\s+(?:question|problem|puzzle))?+[\"'`*_]*+\s*+"
    r"(?:(?:is|would be|will be|should be|must be|has to be|est|es|ist|(?=cannot be|can't be))(?:\b|(?=n['’]t))\s*+:?"
    r"|[是为為]\s*+[:：]?|[:：=>])"
)
OPENER = rf"(?<!/)(?<!which )(?<!if the )(?<!whether the )\banswer{STATED}"
FOREIGN = rf"(?:\b(?:réponse|respuesta|antwort|ответ)|答案){STATED}"
REMARK = r"(?!(?:correct|right|consistent|reasonable|valid|verified|confirmed|helpful|best)\b(?! (?:option|choice)))"
HEDGE = (
    r"(?:(?:definitely|clearly|probably|most likely|likely|therefore|thus|indeed|I think|I believe)[,:]?\s+)?"
)
"""What an answer may begin with without being less of an answer."""
PHRASE = re.compile(rf"{OPENER}[\s*]*+{REMARK}", re.IGNORECASE)
"""English, for votes."""
ANY_PHRASE = re.compile(rf"(?:{OPENER}|{FOREIGN})[\s*]*+{REMARK}", re.IGNORECASE)
"""For grading, where an answer in another language is still an answer."""
SENTENCE_END = re.compile(r"\n|。|</|(?<=[^\s.])\.(?=\s|$)|(?<=[^\s.])\.(?=\*+)")
QUOTED = re.compile(r"\"([^\"\n]*)\"\s*(?:[}\],.]|$)")

# A backslash takes the next character with it, so that \{ and \} are no braces; TeX also reads \boxed 5.
BRACES = re.compile(
    r"(?P<box>\\{1,2}(?:boxed|fbox)\s*+\{)"
    r"|\\{1,2}boxed\s++(?P<bare>[-+]?\d(?:[\d/]|[.,](?=\d))*+|[A-Za-z](?![A-Za-z]))"
    r"|\\.|[{}]",
    re.DOTALL,
)
LATEX_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf)\s*+\{((?:[^{}]|\{[^{}]*+\})*+)\}")


def last_boxed(text: str) -> str | None:
    r"""What the last complete `\boxed{…}` holds, nested braces included; None when there is none."""
    return split_at_box(text)[0]


def split_at_box(text: str) -> tuple[str | None, str]:
    r"""What the last complete `\boxed{…}` holds, and the text after it (None and the whole text without one)."""
    opened: list[tuple[int, bool]] = []
    last, begin, end = None, -1, 0
    for match in BRACES.finditer(text):
        if match["bare"]:
            last, begin, end = match["bare"], match.start(), match.end()
        elif match["box"] or match[0] == "{":
            opened.append((match.end(), bool(match["box"])))
        elif match[0] == "}" and opened:
            start, is_box = opened.pop()
            if is_box and start > begin:
                last, begin, end = text[start : match.start()].strip(), start, match.end()
    return last, text[end:]


def after_phrase(text: str, phrase: re.Pattern[str] = PHRASE) -> str | None:
    """The rest of the sentence after the last "answer is"; None when the text has no such phrase."""
    end = -1
    for match in phrase.finditer(text):
        end = match.end()
    if end < 0:
        return None
    rest = SENTENCE_END.split(text[end:], maxsplit=1)[0].strip()
    quoted = QUOTED.match(rest)
    return (quoted[1].strip() if quoted else rest) or None


def without_text_commands(text: str) -> str:
    r"""`\text{B}` as B, `\textbf{(C)}` as (C)."""
    return LATEX_TEXT.sub(r"\1", text)
