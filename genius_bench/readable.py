"""Text of models and data sets made harmless to look at: it cannot colour, move or turn round what stands beside it."""

import json
import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls; lines and tabs stay
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # what changes the direction of the text after it
    "\u2028\u2029\ufff9-\ufffb"  # what ends a line, or puts one above another
    "\u00ad\u180e\u200b\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufff8"  # what takes no room, or is blank
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # and hidden letters
    "\ud800-\udfff]"  # halves of characters
)
JOINING = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""What shapes its neighbours and is nothing by itself: scripts and emoji need it, letters of ASCII do not."""
IDLE = re.compile(
    f"[\n\t]|(?<![^\x00-\x7f])[{JOINING}]+(?!\u20e3)"  # U+20E3 makes a key of a digit before it
    "|[\u200c\u200d]+(?![^\x00-\x7f])"
)


def readable(text: str) -> str:
    """`text` with everything that is unseen (controls, direction marks, blanks without width, lone surrogates) shown as
    a visible sign; lines and tabs stay, and so do the joiners of scripts and emoji."""
    return UNSEEN.sub(lambda found: _sign(ord(found[0])), text)


def readable_name(text: str) -> str:
    """`text` as it may stand in a line or a cell among others: in one line, and nothing in it is unseen.

    A name does not pass for another by what is unseen in it; by letters that look alike (а and a) it still can.
    """
    return IDLE.sub(lambda found: "".join(_sign(ord(one)) for one in found[0]), readable(text))


def readable_json(text: str) -> str:
    """JSON with the same characters as escapes, so that a program still reads what was written."""
    return UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _sign(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character: ␛ for escape
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
