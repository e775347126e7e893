"""What the user says that the hardware can do: `--throughput sampling=2500,training=9000`, `--response-tokens`."""

from dataclasses import dataclass
from math import isfinite

from genius_bench.errors import InputError, nearest

KINDS = ("sampling", "training", "scoring")
WRITTEN = "--throughput sampling=TOKENS,training=TOKENS[,scoring=TOKENS] (tokens per second and device)"


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Tokens per second and device: sampled, trained (prompts included), and sampled while scoring."""

    sampling: float | None = None
    training: float | None = None
    scoring: float | None = None
    response_tokens: int | None = None
    """How long a response usually is; as long as its limit where nobody says."""


def parse_throughput(text: str, *, needed: tuple[str, ...], response_tokens: int | None = None) -> Throughput:
    """Raises `InputError` with one line for anything that is not clear. Scoring is as fast as sampling unless said."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InputError(f"--throughput {text}: write it as {WRITTEN}")
        if name not in KINDS:
            raise InputError(f"--throughput {text}: unknown '{name}': {nearest(name, list(KINDS))}")
        if name in found:
            raise InputError(f"--throughput {text}: '{name}' is given twice")
        found[name] = _positive(text, name, value)
    found.setdefault("scoring", found.get("sampling", 0.0))
    missing = [name for name in needed if not found.get(name)]
    if missing:
        raise InputError(f"--throughput {text}: '{missing[0]}' is missing: write it as {WRITTEN}")
    return Throughput(**found, response_tokens=response_tokens)


def _positive(text: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not (isfinite(number) and number > 0):
        raise InputError(f"--throughput {text}: {name} = '{value}' is not a number above 0")
    return number
