"""Numbers as they are written, exactly.

Integers and fractions are exact: 999999 is not 1000000, and 0.33 is not 1/3. A decimal of six or more digits may have
been rounded or cut off, so it agrees with whatever lies less than one unit of its last digit away: 0.333333 is 1/3,
3.14159 is 3.1415927. Digits after the twelfth are a computer's rounding: 17.999999999999996 is 18.
"""

import re
from fractions import Fraction
from unicodedata import normalize

CURRENCY = (
    r"(?:(?<![a-zA-Z])(?:US|AU|NZ|HK|NT|[CAR])?\$|[€£¥₹₩₽₱₦₪₫฿]"
    r"|(?<![a-zA-Z])(?:Rs\.?|USD|EUR|GBP|INR|CAD|AUD)(?![a-zA-Z]))"
)
SPACES = "\u00a0\u2002-\u200a\u202f\u205f"
"""Typographic ones, which stand between thousands; a plain space stands between two numbers."""
GROUPED = rf"\d{{1,3}}(?:(?:,\d{{3}})+|(?:,\d\d)+,\d{{3}}|(?:[{SPACES}'’]\d{{3}})+)(?!\d)"
NUMBER = re.compile(
    rf"(?P<sign>-\s?)?(?:{CURRENCY}\s?)?(?P<minus>-)?(?P<value>(?:{GROUPED}|\d+)(?:\.\d+)?|\.\d+)"
    r"(?P<power>[eE][+-]?\d{1,3}(?!\d))?"
    r"(?:\s*/\s*(?P<under>\d+(?:\.\d+)?))?(?:\s+(?P<scale>hundred|thousand|million|billion|trillion)\b)?"
)
SEPARATORS = re.compile(rf"[,{SPACES}'’]")
SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
LONGEST = 200
"""Digits. A run of more is no answer, and exact arithmetic with it takes time."""
LONGEST_PERIOD = 40
"""Digits of a repeating decimal, up to the end of its first period."""
ROUNDED, EXACT = 6, 12
"""From how many digits on a decimal may have been rounded, and how many a computer gets right."""
FRACTION = re.compile(
    r"(?:(?P<sign>-)\s?)?\\[dt]?frac\s*(?:\{(?P<over>-?\d+)\}|(?P<digit>\d))\s*\{?(?P<under>\d+)\}?"
)
MIXED = re.compile(r"(?<![\d./])(?P<whole>\d{1,9})\s+(?P<over>\d{1,9})\s?/\s?(?P<under>\d{1,9})(?![\d/])")
POWER_OF_TEN = re.compile(r"(?<=\d)\s?(?:\\times|\\cdot|×|·|\*|x)\s?10\s?\^\s?\{?([-+]?\d{1,3})\}?(?!\d)")
VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e]")
RAISED = re.compile("[\u207a\u207b]?[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
GOES_ON = r"\s*(?:\\l?dots|\.\.\.|…)"
REPEATING = re.compile(
    r"(?P<whole>\d{0,20})\.(?P<part>\d{0,20})"
    r"(?:\\(?:overline|bar)\s*(?:\{(?P<barred>\d+)\}|(?P<digit>\d))|\((?P<bracketed>\d+)\)|(?P<lined>(?:\d\u0305)+)"
    r"|\\dot\s*\{?(?P<first>\d)\}?(?:(?P<inner>\d{0,20})\\dot\s*\{?(?P<last>\d)\}?)?)"
    rf"(?:{GOES_ON})?"
)
GOING_ON = re.compile(
    r"(?P<whole>\d{0,20})\.(?P<part>\d{0,20}?)(?:(?P<one>\d)(?P=one){2,}|(?P<block>\d{2,9}?)(?P=block)+)"
    rf"{GOES_ON}"
)
"""Decimals without end, in whichever notation: "0.1\\overline{6}", "0.1(6)", "0.1666..."."""


def as_number(text: str) -> Fraction | None:
    """`text` as a number when it is nothing but one (signs, commas, currency and a fraction allowed)."""
    match = NUMBER.fullmatch(plain(text).strip())
    return value(match) if match else None


def agrees(answer: str, gold: str) -> bool:
    """Whether two numbers as written (see `as_number`) are equal, to the digits that are printed of a decimal."""
    left, right = (NUMBER.fullmatch(plain(text).strip()) for text in (answer, gold))
    ours, theirs = left and value(left), right and value(right)
    if not left or not right or ours is None or theirs is None:
        return False
    return ours == theirs or abs(ours - theirs) < max(_last_digit(left), _last_digit(right))


def rounding(text: str) -> Fraction:
    """How far from a decimal of many digits lies what it agrees with; 0 for every other number, and for a formula."""
    match = NUMBER.fullmatch(plain(text).strip())
    return _last_digit(match) if match else Fraction(0)


def canonical(number: Fraction) -> str:
    """The same text for equal numbers: a decimal where it ends, else a fraction in lowest terms."""
    twos, rest = _without_factor(number.denominator, 2)
    fives, rest = _without_factor(rest, 5)
    if rest != 1:
        return str(number)
    places = max(twos, fives)
    digits = str(abs(number.numerator) * 10**places // number.denominator).zfill(places + 1)
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if number < 0 else "") + (f"{whole}.{part}" if part else whole)


def plain(text: str) -> str:
    r"""`text` with typographic signs, LaTeX spacing, \frac, mixed numbers and powers of ten as plain numbers."""
    text = text.replace("−", "-").replace("–", "-").replace("{,}", ",").replace("\\$", "$")
    text = text.replace("~", "\u00a0")
    text = re.sub(r"\\[,!;: ]", "", re.sub(r"\b(?:minus|negative)\s+(?=[$\d])", "-", text))
    text = VULGAR.sub(lambda match: " " + normalize("NFKC", match[0]).replace("\u2044", "/"), text)
    text = RAISED.sub(lambda match: "^" + normalize("NFKC", match[0]).replace("−", "-"), text)
    text = FRACTION.sub(
        lambda match: f" {match['sign'] or ''}{match['over'] or match['digit']}/{match['under']}", text
    )
    text = endless_as_fractions(MIXED.sub(_as_fraction, text), "{}/{}")
    return POWER_OF_TEN.sub(r"e\1", text).replace("**", "")


def endless_as_fractions(text: str, written: str) -> str:
    """`text` with its repeating decimals as fractions, `written` so (`str.format` with numerator and denominator)."""

    def ratio(match: re.Match[str]) -> str:
        groups = {name: digits or "" for name, digits in match.groupdict().items()}
        once = groups.pop("whole") + (part := groups.pop("part"))
        again = "".join(groups.values()).replace("\u0305", "")
        if len(once + again) > LONGEST_PERIOD:
            return match[0]
        number = Fraction(int(once + again) - int(once or "0"), 10 ** len(part) * (10 ** len(again) - 1))
        return written.format(number.numerator, number.denominator)

    return REPEATING.sub(ratio, GOING_ON.sub(ratio, text))


def value(match: re.Match[str]) -> Fraction | None:
    """What a match of `NUMBER` is worth; None for a division by zero and for endless digits."""
    digits, under = SEPARATORS.sub("", match["value"]), match["under"] or "1"
    if len(digits) + len(under) > LONGEST or Fraction(under) == 0:
        return None
    number = Fraction(digits + (match["power"] or "")) / Fraction(under)
    number *= 10 ** SCALES.get(match["scale"] or "", 0)
    before = match.string[: match.start()].rstrip()
    negative = bool(match["sign"] or match["minus"]) and not before[-1:].isdigit()
    return -number if negative else number


def shown(match: re.Match[str]) -> str | None:
    """As text that `as_number` reads: a fraction stays one, because it is exact where a decimal may be rounded."""
    number = value(match)
    return number if number is None else str(number) if match["under"] else canonical(number)


def _last_digit(match: re.Match[str]) -> Fraction:
    """One unit of the last digit of a decimal that may have been rounded; 0 for every other number."""
    whole, _, part = SEPARATORS.sub("", match["value"]).partition(".")
    part = part.rstrip("0")
    digits = (whole + part).lstrip("0")
    if match["under"] or not part or len(digits) < ROUNDED:
        return Fraction(0)
    power = int((match["power"] or "e0")[1:]) + SCALES.get(match["scale"] or "", 0)
    return Fraction(10) ** (power - len(part) + max(0, len(digits) - EXACT))


def _without_factor(number: int, factor: int) -> tuple[int, int]:
    """How often a factor divides a number, and what it leaves."""
    times = 0
    while number % factor == 0:
        number //= factor
        times += 1
    return times, number


def _as_fraction(match: re.Match[str]) -> str:
    """ "3 1/2" as 7/2."""
    whole, over, under = (int(match[name]) for name in ("whole", "over", "under"))
    return f"{whole * under + over}/{under}"
