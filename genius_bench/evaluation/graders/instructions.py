"""IFEval: whether an answer does what its prompt asks of it, by lm-eval's own checks. Strict: the answer as it is.

A check is JSON text: {"instruction": "length_constraints:number_words", "arguments": {"relation": "at least", …}}.
"""

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from genius_bench.answers.thoughts import without_thoughts
from genius_bench.errors import first_line

PACKAGES = ("langdetect", "immutabledict", "nltk")
SENTENCES = "punkt_tab"
"""NLTK's data for telling sentences apart; lm-eval would download it while it is imported."""


def obstacle() -> str | None:
    """Why the checks cannot be made on this machine; None where they can."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        return f"IFEval's checks need {', '.join(missing)}: pip install 'genius-bench[ifeval]'"
    import nltk

    try:
        nltk.data.find(f"tokenizers/{SENTENCES}")
    except LookupError:
        return f"IFEval's checks need NLTK's {SENTENCES}: python -m nltk.downloader {SENTENCES}, or a copy in NLTK_DATA"
    return None


def unfit(checks: Sequence[str]) -> str | None:
    """What is wrong with a row's checks; None where they can be made. Call it where there is no `obstacle`."""
    for check in checks:
        name = json.loads(check)["instruction"]
        if name not in _checks().instructions_registry.INSTRUCTION_DICT:
            return f"'{name}' is no instruction that lm-eval knows"
        try:
            _follows("An answer.", check)
        except Exception as error:  # each kind of instruction checks its arguments in its own way
            return f"'{name}' cannot be checked: {first_line(error)}"
    return None


def first_failed(text: str, checks: Sequence[str]) -> str | None:
    """The first instruction that an answer does not follow; None where it follows all. Thoughts do not count."""
    said = without_thoughts(text)
    return next((json.loads(check)["instruction"] for check in checks if not _follows(said, check)), None)


def _follows(text: str, check: str) -> bool:
    wanted = json.loads(check)
    asked = _checks().InputExample(
        key=0, instruction_id_list=[wanted["instruction"]], prompt="", kwargs=[wanted["arguments"]]
    )
    try:
        followed: bool = _checks().test_instruction_following_strict(asked, text).follow_all_instructions
    except RecursionError:  # thousands of brackets where JSON was asked for
        return False
    return followed


@cache
def _checks() -> Any:
    """lm-eval's module, with the detection of languages made repeatable: it draws at random otherwise."""
    from langdetect import DetectorFactory
    from lm_eval.tasks.ifeval import utils

    DetectorFactory.seed = 0
    return utils
