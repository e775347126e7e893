"""The extraction rules that the paper's public evaluation code applies, bug for bug.

They are reported beside the robust graders and answer "why is my number different?". Their known faults are kept on
purpose: a box ends at the first brace that closes, a minus sign there is lost, "2, 3" is 2, "Because" is option B,
"Each" is option E of four, and "Yes" is looked for before "No".
"""

import re

TOLERANCE = 1e-5


def math_answer(text: str) -> float | None:
    r"""GSM8K, MATH, AIME: a number from the last `\boxed{…}`, `<boxed>`, "answer is:" or its last 50 characters."""
    if "\\boxed{" in text:
        found = _last([box for line in text.split("\n") for box in _boxes(line)])
    elif "<boxed>" in text:
        found = _last(re.findall(r"<boxed>(\d+)</boxed>", text))
    elif "answer is:" in text:
        found = text.rsplit("answer is:", 1)[1].strip()
    else:
        word = _last_float_word(text[-50:])
        found = (
            str(float(word)) if word else ""
        )  # so that here sign and exponent survive: "-5" has a point now
    return _as_number(found.strip("\\").replace(",", "").strip("$").strip())


def math_correct(answer: float | None, gold: str) -> bool:
    """Close to the gold answer read as a number; a gold answer of any other form is never matched."""
    try:
        return answer is not None and abs(float(gold.replace(",", "")) - answer) < TOLERANCE
    except ValueError:
        return False


def option_answer(text: str, letters: str = "ABCD") -> str | None:
    """The first of these capitals anywhere after the last "answer is": A–D for ARC, A–E for GPQA, ReClor and LogiQA."""
    rest = text.rsplit("answer is", 1)[-1]
    return next((character for character in rest if character in letters), None)


def strategyqa_answer(text: str) -> str | None:
    """ "Yes" if it occurs after the last "answer is", else "No" if that does; case-sensitive."""
    rest = text.rsplit("answer is", 1)[-1]
    return next((word for word in ("Yes", "No") if word in rest), None)


def _boxes(line: str) -> list[str]:
    r"""What `re.findall(r"\\boxed\{(.*?)\}", line)` finds, in linear time where many boxes never close."""
    return re.findall(r"\\boxed\{(.*?)\}", line[: line.rfind("}") + 1])


def _as_number(found: str) -> float | None:
    """With a point: the whole string or nothing. With `frac` and two digit runs: their ratio. Else the first run."""
    runs = re.findall(r"\d+", found)
    if "." in found:
        return _float_or_none(found)
    if "frac" in found and len(runs) == 2:
        return float(runs[0]) / float(runs[1]) if float(runs[1]) else None
    return float(runs[0]) if runs else None


def _last_float_word(text: str) -> str:
    return _last([word for word in text.split() if _float_or_none(word) is not None])


def _float_or_none(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _last(found: list[str]) -> str:
    return found[-1] if found else ""
