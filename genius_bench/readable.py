"""Text of models and data sets made harmless to look at: it cannot colour, move or turn round what stands beside it."""

import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls; lines and tabs stay
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # what changes the direction of the text after it
    "\u2028\u2029\ufff9-\ufffb"  # what ends a line, or puts one above another
    "\ud800-\udfff]"  # halves of characters
)


def readable(text: str) -> str:
    """`text` with every control, direction mark and lone surrogate shown as a visible sign; lines and tabs stay."""
    return UNSEEN.sub(lambda found: _sign(ord(found[0])), text)


def readable_json(text: str) -> str:
    """JSON with the same characters as escapes, so that a program still reads what was written."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _sign(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character: ␛ for escape
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
