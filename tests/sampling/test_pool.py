"""The pool of responses: found again by whoever asks the same, from disk, without being held in memory."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.engines.interface import Completion, Continuation, Request
from genius_bench.sampling import pool as pools
from genius_bench.sampling import pool_index
from genius_bench.sampling.pool import Pool, name_of
from genius_bench.sampling.pool_index import PoolIndex


def request(number: int) -> Request:
    return Request(prompt_ids=(number, 7), max_tokens=9, seed=number, stop=("a", "b"))


def completion(number: int, length: int = 3) -> Completion:
    ids = tuple(range(number, number + length))
    return Completion(
        token_ids=ids, text=f"{number} – é\n", logprobs=(-1.0 / (number + 1),) * length, finish_reason="eos"
    )


def filled(folder: Path, numbers: range, length: int = 3) -> Pool:
    pool = Pool(folder)
    for number in numbers:
        pool.add(name_of(request(number)), completion(number, length))
    pool.store()
    return pool


def test_what_two_pools_stored_is_found_by_a_third_and_what_none_stored_is_not(tmp_path: Path) -> None:
    first = filled(tmp_path, range(50))
    filled(tmp_path, range(40, 90))
    third = Pool(tmp_path)
    for number in range(90):
        assert third.find(name_of(request(number))) == completion(number)
    assert third.find(name_of(request(90))) is None
    assert first.find(name_of(request(0))) == completion(0), "what it has stored itself"
    other = Request(prompt_ids=(1, 7), max_tokens=9, seed=1, stop=("a",))
    assert third.find(name_of(other)) is None
    followed = replace(request(1), then=Continuation(max_tokens=1, seed=1, temperature=1.0))
    assert third.find(name_of(followed)) == completion(1), "whatever was to be asked next"


def test_a_flipped_bit_costs_responses_and_changes_none(tmp_path: Path) -> None:
    asked = {name_of(request(number)): completion(number) for number in range(8)}
    filled(tmp_path, range(8))
    [file] = tmp_path.iterdir()
    content, lost = file.read_bytes(), 0
    for place in range(0, len(content), len(content) // 150):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        found = {name: Pool(tmp_path).find(name) for name in asked}
        assert all(found[name] in (None, right) for name, right in asked.items()), place
        lost += None in found.values()
    assert lost


def test_a_damaged_file_costs_its_responses_only(tmp_path: Path) -> None:
    pool = filled(tmp_path, range(5))
    filled(tmp_path, range(5, 9))
    before = min(tmp_path.glob("*.parquet"))
    before.write_bytes(b"no parquet")
    for reader in (Pool(tmp_path), pool):  # damaged when it is opened, or later
        assert reader.find(name_of(request(1))) is None
    assert Pool(tmp_path).find(name_of(request(6))) == completion(6)


def test_requests_whose_digests_begin_alike_are_not_taken_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_index, "_number", lambda digest: int(digest[0], 16) % 2)
    filled(tmp_path, range(40))
    pool = Pool(tmp_path)
    found = {number: pool.find(name_of(request(number))) for number in range(40)}
    assert sum(one is not None for one in found.values()) == 2
    assert all(one in (None, completion(number)) for number, one in found.items())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(0, 9)), max_size=200))
def test_the_index_is_a_dictionary(entries: list[tuple[int, int, int]]) -> None:
    def digest(number: int) -> str:
        return f"{number:015x}" + "0" * 49

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_index, "SMALL", 5)
        index, wanted = PoolIndex(), {}
        for number, file, row in entries:
            if digest(number) not in wanted:
                index.add(digest(number), file, row)
                wanted[digest(number)] = (file, row)
        for number in range(41):
            assert index.find(digest(number)) == wanted.get(digest(number))


def test_responses_do_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million tokens (16 MB of ids and log-probabilities), of which a file may hold 50 000 and two may be open."""
    monkeypatch.setattr(pools, "FILE_TOKENS", 50_000)
    monkeypatch.setattr(pools, "OPEN_FILES", 2)
    before = pa.total_allocated_bytes()
    filled(tmp_path, range(500), length=2000)
    pool = Pool(tmp_path)
    assert all(pool.find(name_of(request(number))) is not None for number in range(0, 500, 10))
    assert pa.total_allocated_bytes() - before < 4_000_000
    assert len(list(tmp_path.iterdir())) == 20, "written as they came, not all in the end"
