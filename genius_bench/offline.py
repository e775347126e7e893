"""The switch that keeps the network out: of this process, and of every process that it starts."""

import os
import sys

from genius_bench.errors import InputError

VARIABLE = "GENIUS_BENCH_OFFLINE"
OTHERS = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
"""What the libraries that could reach a hub go by; they read it when they are imported."""


def is_offline() -> bool:
    """Whether the switch is on: by `--offline`, by our variable, or by the hub client's own."""
    return any(
        os.environ.get(name, "").lower() in ("1", "on", "yes", "true") for name in (VARIABLE, OTHERS[0])
    )


def go_offline() -> None:
    """Keeps hub clients off the network. Call it before stages' processes start: they inherit the environment."""
    os.environ.update(dict.fromkeys((VARIABLE, *OTHERS), "1"))
    for module, names in (
        ("huggingface_hub.constants", ("HF_HUB_OFFLINE",)),
        ("datasets.config", ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")),
    ):
        if module in sys.modules:  # imported before: it has read the environment already
            for name in names:
                setattr(sys.modules[module], name, True)


def not_here(what: str, option: str) -> InputError:
    """The one line for something that only the network could give; `option` is how a local copy is named."""
    return InputError(
        f"{what} is not on this machine, and the network is switched off (--offline, {VARIABLE} or {OTHERS[0]}): "
        f"`genius-bench data pull DIR` on a connected machine gets it; name the copy with {option}"
    )
