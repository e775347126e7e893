"""Text of models and data sets made harmless to look at: it cannot colour, move or turn round what stands beside it."""

import unicodedata

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that change the direction of the text after them."""


def readable(text: str) -> str:
    """`text` with every control, direction mark and lone surrogate shown as a visible sign; lines and tabs stay."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character: ␛ for escape
    if code == 0x7F:
        return "␡"
    if character in BIDIRECTIONAL or unicodedata.category(character) in ("Cc", "Cs"):
        return f"⟨U+{code:04X}⟩"
    return character
