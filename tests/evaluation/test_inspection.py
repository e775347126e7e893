"""What `inspect` says about pairs whose answers we know."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genius_bench.cli import app, commands  # noqa: F401  (registers the commands)
from genius_bench.cli.inspect import histogram
from genius_bench.errors import InputError
from genius_bench.evaluation.inspection import inspect_pairs, recorded_pairs, sampled_pairs

ROWS = [
    {"prompt": "3 + 4?", "chosen": "The answer is 7.", "rejected": "The answer is 8.", "answer": "7"},
    {"prompt": "3 + 4?", "chosen": "The answer is 9.", "rejected": "The answer is 7.", "answer": "7"},
    {"prompt": "Dog or ant?", "chosen": "The answer is A.", "rejected": "The answer is A.", "answer": "A"},
    {"prompt": "Bigger?", "chosen": "The answer is No.", "rejected": "Yes or no? Yes.", "answer": "No"},
    {"prompt": "A story", "chosen": "Once upon a time", "rejected": "Once", "answer": "anything"},
]


def test_shares_are_those_counted_by_hand() -> None:
    seen = inspect_pairs(recorded_pairs((f"row {number}", row) for number, row in enumerate(ROWS * 2)))
    assert (seen.pairs, seen.queries, seen.graded, seen.duplicates) == (10, 4, 8, 5)
    assert seen.chosen_right is not None
    assert seen.rejected_right is not None
    assert (seen.chosen_right.value, seen.rejected_right.value) == (0.75, 0.5)
    assert seen.both_alike == 0.25, "only the one about the dog"
    assert seen.by_group == {"number": (4, 0.5, 0.5), "option": (2, 1.0, 1.0), "yes_no": (2, 1.0, 0.0)}
    assert seen.length_gaps[4] == 3
    assert seen.advantage_gaps == []


def test_sampled_pairs_carry_their_advantages() -> None:
    row = {"query_id": "q", "chosen_ids": [7, 7], "rejected_ids": [8], "chosen_advantage": -0.3}
    rows = [row | {"rejected_advantage": advantage} for advantage in (-0.5, -0.2, -0.1, -0.4)]
    seen = inspect_pairs(sampled_pairs(rows, {"q": "77"}, lambda ids: "".join(map(str, ids))))
    assert seen.advantage_gaps == pytest.approx([-0.2, 0.1, 0.2, -0.1])
    assert seen.calibrated == 0.5
    assert seen.chosen_right is not None
    assert seen.chosen_right.value == 1.0
    assert (seen.chosen_length, seen.rejected_length) == (2, 1)


def test_a_file_of_messages_is_read_by_its_last_turn(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "3 + 4?"}, {"role": "assistant", "content": "The answer is 7."}]
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({**ROWS[0], "chosen": turns}) + "\n")
    result = CliRunner().invoke(app, ["inspect", str(path), "--home", str(tmp_path)])
    assert "chosen right   100.0 %" in result.output
    assert "rejected right 0.0 %" in result.output


def test_a_row_without_a_pair_is_named() -> None:
    with pytest.raises(InputError, match="pairs line 2 has no 'rejected'"):
        recorded_pairs([("pairs line 1", ROWS[0]), ("pairs line 2", {"chosen": "a"})])


def test_the_histogram_counts_every_value() -> None:
    bars, ends = histogram([0.0, 1.0, 1.0, 1.0], columns=16)
    assert bars == "▃" + 14 * " " + "█"
    assert ends.split() == ["0.000", "1.000"]
