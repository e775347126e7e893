"""Sorting on disk: the same as sorting in memory, whatever fits into it, in little memory and without leaving files."""

import tracemalloc
from collections.abc import Callable
from heapq import nsmallest
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench import sorting
from genius_bench.errors import InputError
from genius_bench.sorting import Sorted

KEYS = st.integers(-3, 40) | st.integers(0, 2**63 - 1)
FIRSTS = st.none() | st.integers(1, 60)


def filled(keys: list[int], first: int | None, folder: Path) -> Sorted[int]:
    rows: Sorted[int] = Sorted(folder, first)
    for number, key in enumerate(keys):
        rows.add(key, f"{key} came as number {number} \n\u2028😀")
    return rows


@settings(max_examples=150, deadline=None)
@given(st.lists(KEYS, max_size=400), FIRSTS, st.sampled_from([1, 3_000, 20_000, 1 << 26]))
def test_it_is_a_stable_sort_of_which_only_the_beginning_is_kept(
    tmp_path_factory: pytest.TempPathFactory, keys: list[int], first: int | None, run_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "RUN_BYTES", run_bytes)
        rows = filled(keys, first, tmp_path_factory.mktemp("runs"))
    order = nsmallest(len(keys) if first is None else first, range(len(keys)), key=lambda n: (keys[n], n))
    wanted = [f"{keys[number]} came as number {number} \n\u2028😀" for number in order]
    assert list(rows) == wanted
    assert len(rows) == len(wanted)


def test_several_may_read_at_once_and_no_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", 5_000)
    rows = filled([n * 7919 % 1000 for n in range(1000)], None, tmp_path)
    pairs = list(zip(rows, rows, strict=True))
    assert len(pairs) == 1000
    assert all(one == other for one, other in pairs)
    assert list(tmp_path.iterdir()) == []


def peak_of(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", 1 << 20)

    def sort(count: int) -> int:
        rows: Sorted[int] = Sorted(tmp_path)
        for number in range(count):
            rows.add(number * 7919 % count, f"{number:06d}" + "x" * 2000)
        return sum(1 for _ in rows)

    assert peak_of(lambda: sort(10_000)) < 12 << 20 < 10_000 * 2000


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "RUN_BYTES", 100)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        filled([1, 2, 3], None, tmp_path / "file" / "folder")
