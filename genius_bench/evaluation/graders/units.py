"""The units that answers are measured in: those that are named on both sides must be the same ones."""

import re

NAMES = (
    "mm millimeter millimetre|cm centimeter centimetre|m meter metre|km kilometer kilometre|in inch inche|ft foot feet"
    "|yd yard|mi mile|s sec second|min minute|h hr hour|day|week|month|year|mg milligram|g gram|kg kilogram"
    "|lb pound|oz ounce|ml milliliter millilitre|l liter litre|cent|dollar|deg degree|rad radian|mph|kmh"
)
CANONICAL = {name: group.split()[0] for group in NAMES.split("|") for name in group.split()}
POWERS = {"square": "2", "sq": "2", "cubic": "3", "cu": "3"}
UNIT = re.compile(
    r"(?:\\text\{\s*(?P<text>[a-zA-Z. ]+?)\s*\}|(?<=[\d}\s])\s(?P<word>[a-zA-Z. ]{1,30}?))\.?"
    r"\s*(?:\^\s*\{?(?P<power>[23])\}?)?\s*$"
)


def split_unit(text: str) -> tuple[str, str]:
    r"""A formula and its unit: `12\text{ cm}^{2}` as 12 and "cm2", `30^\circ` as 30 and "deg"; "" where it has none."""
    if text.endswith(r"^\circ"):
        return text.removesuffix(r"^\circ").strip(), "deg"
    match = UNIT.search(text)
    words = ((match["text"] or match["word"] or "") if match else "").lower().replace(".", "").split()
    if not match or not words:
        return text, ""
    power = match["power"] or "1"
    if len(words) == 2 and words[0] in POWERS:
        power = POWERS[words.pop(0)]
    name = CANONICAL.get(words[0]) or CANONICAL.get(words[0].removesuffix("s"))
    value = text[: match.start()].strip()
    if len(words) > 1 or name is None or not value:
        return text, ""
    return value, name + power.replace("1", "")
