"""The final answer of a response in a form in which equal answers are equal texts: what is voted on."""

import re
from string import ascii_uppercase

from genius_bench.answers import number, option, yes_no
from genius_bench.answers.places import after_phrase, last_boxed

LABELS = ascii_uppercase[:10]
LONGEST_ANSWER = 8
"""Words. More than this after "the answer is" is an explanation, not an answer to vote on."""


def final_answer(text: str) -> str | None:
    r"""The answer in `\boxed{…}`, after "####" or "the answer is", or a last line that is but a label or number.

    None for open-ended text: the last number of a story is no answer, so nothing is guessed.
    """
    boxed = last_boxed(text)
    stated = boxed if boxed is not None else _after_hashes(text) or after_phrase(text)
    if stated is None:
        lines = text.strip().splitlines() or [""]
        last = lines[-1].strip()
        return option.extract(last, LABELS) or _plain_number(last)
    if boxed is None and len(stated.split()) > LONGEST_ANSWER:
        return None
    return normalised(stated) or None


def normalised(answer: str) -> str:
    """ "(B) Paris" → B, "$1,234.00" and "1234 dollars" → 1234, "no." → No; other texts without case and decoration."""
    answer = re.sub(r"^\s*\\?[a-zA-Z]\s*=(?!=)", "", _without_decoration(answer))
    label = option.extract(f"The answer is {answer}", LABELS)
    if label and not re.match(r"[a-z]", answer):  # a small letter is a variable or a word
        return label
    return _plain_number(answer) or _yes_or_no(answer) or " ".join(answer.lower().split())


def agrees(text: str, gold: str) -> bool:
    """Whether a response ends in the gold answer (which may be a whole solution)."""
    answer = final_answer(text)
    return answer is not None and answer == (final_answer(gold) or normalised(gold))


def _after_hashes(text: str) -> str | None:
    return text.rsplit("####", 1)[1].strip() or None if "####" in text else None


def _without_decoration(answer: str) -> str:
    answer = re.sub(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}", r"\1", answer)
    return answer.replace("$", "").strip().strip("*`\"'").rstrip(".").strip()


def _plain_number(answer: str) -> str | None:
    """A number, or one followed by nothing but a unit."""
    value, _, unit = answer.strip().partition(" ")
    found = number.as_number(answer)
    if found is None and all(word.isalpha() for word in unit.split()):
        found = number.as_number(value)
    return None if found is None else number.canonical(found)


def _yes_or_no(answer: str) -> str | None:
    """Only where it is the whole answer: "no one" is somebody."""
    return yes_no.extract(answer) if len(re.findall(r"\w+", answer)) == 1 else None
