"""The mark of a collapse: by signals that see no label, and not for a bad step or a long plateau."""

from typing import Any

import pytest

from genius_bench.online.collapse import WINDOW, collapse

HEALTHY = {"distinct_answers": 3.0, "unstated": 0.1, "unfinished": 0.0, "entropy": 0.4}


def log(*stretches: tuple[int, dict[str, float]]) -> list[dict[str, float]]:
    lines: list[dict[str, Any]] = [{**HEALTHY, **changed} for many, changed in stretches for _ in range(many)]
    return [{"step": number, **line} for number, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"distinct_answers": 1.0}, "nearly every group says one thing"),
        ({"unstated": 1.0}, "hardly any response states an answer"),
        ({"unfinished": 0.95}, "hardly any response comes to an end"),
        ({"entropy": 0.03}, "a tenth of the entropy is left"),
    ],
)
def test_it_is_marked_when_a_whole_window_is_flat(changed: dict[str, float], why: str) -> None:
    assert collapse(log((40, {}))) is None
    assert collapse(log((40, {}), (WINDOW - 1, changed), (10, {}))) is None
    assert collapse(log((40, {}), (60, changed))) == (40 + WINDOW, why)


def test_what_was_so_from_the_start_and_short_runs_are_no_collapse() -> None:
    assert collapse(log((100, {"distinct_answers": 1.0, "unstated": 0.95, "entropy": 0.001}))) is None
    assert collapse(log((5, {}))) is None
