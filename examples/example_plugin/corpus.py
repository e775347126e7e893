"""A corpus: additions with their answers."""

from itertools import product

from genius_bench.corpora.stream import BadRows, Record, Stream
from genius_bench.recipe import CorpusSection


def example_sums(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """Additions of two numbers below 100 (1 000 of 10 000 unless told otherwise)."""
    rows = (
        {"id": f"{a}+{b}", "query": f"What is {a} + {b}?", "answer": str(a + b)}
        for a, b in product(range(100), repeat=2)
    )
    records = (Record(f"example-sums row {number}", row) for number, row in enumerate(rows))
    return Stream(name="example-sums", records=records, queries=1_000, origin={"generator": "example_plugin"})
