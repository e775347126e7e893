"""Data as scripts: a page opened from a file may fetch nothing, but it may load a script that brings JSON along.

The JSON travels inside a string and is parsed as JSON, never run as code: a key called `__proto__` stays a key, and
whatever a model wrote stays text.
"""

import json
import math
import re
from typing import Any

ESCAPED = re.compile("[<\u2028\u2029\ud800-\udfff]")
"""Characters that could end a script, end a line of one, or be no character at all."""


def script(name: str, value: Any) -> str:
    """A script that hands `value` (JSON; numbers that are none become null) to the page under `name`."""
    text = f"receive({json.dumps(name)},{json.dumps(to_json(value), ensure_ascii=False)});\n"
    return ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def to_json(value: Any) -> str:
    try:
        return _encode(value)
    except ValueError:  # NaN or infinity: no JSON
        return _encode(finite(value))


def finite(value: Any) -> Any:
    """`value` with None for every number that is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value


def rounded(number: Any) -> Any:
    """A float to five digits, as many as a page shows; anything else as it is."""
    return float(f"{number:.5g}") if isinstance(number, float) and math.isfinite(number) else number


def shortened(text: str, limit: int = 100_000) -> str:
    """`text` without what no reader of a page would reach, and a word on how much that is."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[… {len(text) - limit:,} more characters are in the store]"


def _encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
