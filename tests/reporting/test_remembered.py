"""A board that was told before is read, and is told anew as soon as anything under it has changed."""

import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from pydantic import TypeAdapter

import genius_bench.artifacts
from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.reporting import remembered as memory
from genius_bench.reporting.board import build_board
from genius_bench.runs import Evaluation, Run, read_runs, write_run

from .test_board import ITEMS, SETTINGS, write_scores


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A home whose board was asked for: a base and two seeds of a method on one task."""
    random = np.random.default_rng(0)
    for number, name in enumerate(("base", "a", "b")):
        key = write_scores(Store(tmp_path), name, "one", random.random((ITEMS, 3)) < 0.4 + number / 10)
        made = name != "base"
        run = Run(
            id=name,
            recipe={"method": "genius", "variant": "paper", "seed": number} if made else None,
            base="lab",
            base_fingerprint="base",
            checkpoints=[{"iteration": "1", "key": "0" * 64, "fingerprint": name, "path": name}]
            if made
            else [],
            evaluations=[Evaluation(model=name, fingerprint=name, settings=SETTINGS, scores={"one": key})],
        )
        write_run(tmp_path, run)
    build_board(tmp_path)
    return tmp_path


def without_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: Any) -> NoReturn:
        raise AssertionError("a table was read")

    monkeypatch.setattr(genius_bench.artifacts, "read_table", unread)


def tables(home: Path) -> list[Path]:
    return sorted((home / "artifacts" / "scores").glob("*/rows/*.parquet"))


def test_the_second_board_is_the_first_and_reads_no_answers(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_board(told)
    assert len(first.rows) == 4  # and the mean of both seeds
    without_tables(monkeypatch)
    assert build_board(told) == first
    for path in (told / memory.FOLDER).iterdir():
        path.write_text(path.read_text()[:-9])  # a writer that was killed, on a disk that keeps no order
    with pytest.raises(AssertionError, match="a table was read"):
        build_board(told)


def test_another_run_that_names_the_same_base_changes_no_row(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [base] = [run.evaluations[0] for run in read_runs(told) if run.id == "base"]
    cooler = Evaluation(**vars(base) | {"settings": SETTINGS | {"temperature": 0.5}})
    write_run(told, Run(id="before", evaluations=[base, cooler]))
    first = build_board(told)
    write_run(told, Run(id="again", evaluations=[base, cooler]))
    without_tables(monkeypatch)
    assert build_board(told) == first


def test_damage_is_told_as_ever(told: Path) -> None:
    about, content = tables(told)[0].stat(), bytearray(tables(told)[0].read_bytes())
    content[len(content) // 2] ^= 1
    tables(told)[0].write_bytes(content)
    os.utime(tables(told)[0], ns=(about.st_atime_ns, about.st_mtime_ns))
    with pytest.raises(InputError, match="is damaged"):
        build_board(told)


def test_other_code_counts_anew(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_tables(monkeypatch)
    monkeypatch.setattr(memory, "_code", lambda: "of the next version")
    with pytest.raises(AssertionError, match="a table was read"):
        build_board(told)


def test_a_label_is_told_by_its_recipe_as_it_is_now(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_tables(monkeypatch)
    record = Run(
        id="a",
        recipe={"method": "star", "variant": "paper", "seed": 7},
        base="lab",
        base_fingerprint="base",
        checkpoints=[{"iteration": "1", "key": "0" * 64, "fingerprint": "a", "path": "a"}],
    )
    write_run(told, record)
    assert "star seed 7" in [row.label for row in build_board(told).rows]


def test_where_nothing_can_be_kept_there_are_boards_as_well(told: Path) -> None:
    shutil.rmtree(told / memory.FOLDER)
    (told / memory.FOLDER).write_text("no folder")
    assert len(build_board(told).rows) == 4


def test_what_lacks_something_that_may_still_come_is_counted_again(tmp_path: Path) -> None:
    adapter, counts = TypeAdapter(int), iter(range(3))
    for expected in (0, 1):
        found = memory.remembered(
            tmp_path, adapter, "asked", [], lambda: next(counts), lambda number: number > 1
        )
        assert found == expected
    for _ in range(2):
        assert (
            memory.remembered(tmp_path, adapter, "asked", [], lambda: next(counts), lambda number: True) == 2
        )
