r"""One notation for formulas: what models write in Unicode or as plain text, in the LaTeX that math-verify reads.

Only the writing changes, never the value, so both the answer and the gold go through it before anything is compared.
"""

import re
from functools import lru_cache
from unicodedata import normalize

from genius_bench.answers.numerals import endless_as_fractions

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
    "upsilon phi chi psi omega"
)
SIGNS = {
    **dict.fromkeys("−–—‒‐‑﹣", "-"),
    **dict.fromkeys("\xa0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f~", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff$€£¥", ""),
    **dict.fromkeys("·⋅∙•∗", r" \cdot "),
    **dict.fromkeys("≤⩽≦", r" \le "),
    **dict.fromkeys("≥⩾≧", r" \ge "),
    **dict.fromkeys("°º˚", "^\\circ"),
    **dict.fromkeys("∅⌀Ø", r" \emptyset "),
    "×": r" \times ",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "≠": r" \ne ",
    "≈": r" \approx ",
    "±": r" \pm ",
    "∓": r" \mp ",
    "∞": r" \infty ",
    "∪": r" \cup ",
    "∩": r" \cap ",
    "∈": r" \in ",
    "∖": r" \setminus ",
    "∣": "|",
    "…": r" \ldots ",
    "ℝ": r" \mathbb{R} ",
    "ℤ": r" \mathbb{Z} ",
    "ℚ": r" \mathbb{Q} ",
    "ℕ": r" \mathbb{N} ",
    "ℂ": r" \mathbb{C} ",
    **{chr(ord("α") + place): rf" \{name} " for place, name in enumerate(GREEK.split())},
    "ϕ": r" \phi ",
    "ϵ": r" \epsilon ",
    "⟨": r" \langle ",
    "⟩": r" \rangle ",
    "∛": "√[3]",
    "∜": "√[4]",
    "′": "'",
}
TRANSLATED = str.maketrans(SIGNS)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-")
VULGAR = r"[¼-¾⅐-⅞]"
INNER = r"(?:[^()]|\([^()]*\))*"
ROOT = re.compile(rf"√(\[\w+\])?\s*(?:\{{|\((?P<inner>{INNER})\)|(?P<plain>\d+(?:\.\d+)?|\\[a-z]+|[A-Za-z]))")
WORD = r"(?<![\\a-zA-Z])"
BEFORE_SIGNS = [
    (r"(?<!\\)\\[$£€()\[\]]", ""),
    (r"\\left\s*\.|\\right\s*\.", ""),
    (r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits)(?![a-zA-Z])", ""),
    (r"(?<=\d)(?:\{,\}|,?\\[!,;: ]|,\\thinspace|[\u00a0\u2002-\u200a\u202f\u205f])(?=\d{3}(?!\d))", ""),
]
AFTER_SIGNS = [
    (r"\\!", ""),
    (r"(?<!\\)\\[,;:>](?![a-zA-Z])|(?<!\\)\\ |\\(?:quad|qquad|thinspace)(?![a-zA-Z])", " "),
    (r"\\[dtc]frac", r"\\frac"),
    (
        r"\\(?:mathrm|mathbf|mathit|mathsf|textbf|textit|textrm|textnormal|mbox|hbox|operatorname)\b\*?",
        r"\\text",
    ),
    (r"\\text\s+\{", r"\\text{"),
    # Signs with several names
    (r"\\(?:leqslant|leqq|leq)(?![a-zA-Z])|<=", r"\\le "),
    (r"\\(?:geqslant|geqq|geq)(?![a-zA-Z])|>=", r"\\ge "),
    (r"\\neq(?![a-zA-Z])|!=", r"\\ne "),
    (r"\\lt(?![a-zA-Z])", "<"),
    (r"\\gt(?![a-zA-Z])", ">"),
    (r"\\varnothing|\\O(?![a-zA-Z])|\\\{\s*\\\}", r"\\emptyset"),
    (r"\\degrees?(?![a-zA-Z])|\^\s*\{\s*\\circ\s*\}|\^\s*\\circ", r"^\\circ"),
    (r"\\cdotp(?![a-zA-Z])", r"\\cdot"),
    (r"\\[cl]?dots[bcimo]?(?![a-zA-Z])", r"\\ldots"),
    # Plain text
    (rf"{WORD}sqrt\s*", "√"),
    (rf"{WORD}(?:infinity|infty|inf|oo)(?![a-zA-Z])", r"\\infty"),
    (rf"{WORD}(pi|theta|alpha|beta|sin|cos|tan|log|ln)(?![a-zA-Z])", r"\\\1"),
    (r"(?<=[)\]}])\s*U\s*(?=[(\[{\\])", r" \\cup "),
    (r"(?<=[\w)}])\*\*(?=[\w({-])", "^"),
    (r"\^\s*\(([^()]*)\)", r"^{\1}"),
    (r"\^\s*(-?\d+|-\w)(?![\d.])", r"^{\1}"),
    (r"(?<![\w)}])\+\s*(?=\\infty)", ""),
]
ROWS = ("matrix", "cases", "array", "aligned")
MEMBER = re.compile(r"[a-zA-Z]\s*\\in(?![a-zA-Z])\s*(?=[(\[\\])")


@lru_cache(maxsize=4096)
def as_latex(text: str) -> str:
    """`text` in one LaTeX notation, without what carries no meaning: layout, currency signs, `x \\in` before a set."""
    text = re.sub("[\uff01-\uff5e\U0001d400-\U0001d7ff]", lambda match: normalize("NFKC", match[0]), text)
    text = re.sub(rf"(\d?)\s?({VULGAR})", _vulgar, text.strip().strip("*"))
    text = re.sub("[⁰¹²³⁴-⁹⁺⁻⁽⁾ⁿⁱˣ]+", lambda match: f"^{{{match[0].translate(RAISED)}}}", text)
    text = re.sub("[₀-₉₊₋]+", lambda match: f"_{{{match[0].translate(LOWERED)}}}", text)
    if "\\\\" in text and not any(name in text for name in ROWS):  # twice escaped, as in JSON
        text = re.sub(r"\\\\(?=[a-zA-Z{}])", r"\\", text)
    for pattern, replacement in BEFORE_SIGNS:
        text = re.sub(pattern, replacement, text)
    text = text.translate(TRANSLATED)
    for pattern, replacement in AFTER_SIGNS:
        text = re.sub(pattern, replacement, text)
    text = endless_as_fractions(ROOT.sub(_root, text), r"\frac{{{}}}{{{}}}")
    text = MEMBER.sub("", re.sub(r"\s+", " ", text))
    return re.sub(r"(?<!\.)\.$", "", text.strip()).strip()


def squeezed(text: str) -> str:
    """A formula of `as_latex` without its spaces, for comparing two as text."""
    return re.sub(r"\s+", "", text).rstrip(".")


def _vulgar(match: re.Match[str]) -> str:
    over, under = normalize("NFKC", match[2]).split("⁄")
    return rf"{match[1]}\frac{{{over}}}{{{under}}}"


def _root(match: re.Match[str]) -> str:
    degree = match[1] or ""
    inside = match["inner"] if match["inner"] is not None else match["plain"]
    return rf"\sqrt{degree}{{" if inside is None else rf"\sqrt{degree}{{{inside}}}"
