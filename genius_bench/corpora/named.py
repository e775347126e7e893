"""The corpora that come with the harness: the lab's queries, and the two of the Genius paper with its numbers.

The paper's own subsets were never published. Ours are drawn by a fixed seed, and `Corpus.ids()` lists them.
"""

from dataclasses import replace
from pathlib import Path

from genius_bench.corpora.files import open_local
from genius_bench.corpora.hub import open_hub
from genius_bench.corpora.stream import BadRows, Record, Stream
from genius_bench.errors import InputError
from genius_bench.recipe import CorpusSection

LAB_QUERIES = 1000


def lab(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """Procedurally generated questions for the embedded model (1 000 unless told otherwise)."""
    from genius_bench.lab.items import training_queries

    count = section.queries or LAB_QUERIES
    try:
        rows = training_queries(count, section.seed)
    except ValueError as error:
        raise InputError(
            f"corpus lab: {count} queries are more than there are ({error}): ask for fewer"
        ) from None
    records = (Record(f"lab row {number}", row) for number, row in enumerate(rows))
    return Stream(name="lab", records=records, queries=count, origin={"generator": "genius_bench.lab"})


def magpie(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """Magpie reasoning queries as used by the Genius paper: 25 000 of 150 000."""
    return _paper_corpus("magpie", "xufangzhi/Magpie_reasoning_150K_train", 25_000, section, bad_rows)


def openhermes(section: CorpusSection, bad_rows: BadRows) -> Stream:
    """OpenHermes-2.5 queries as used by the Genius paper: 32 000 of 48 000."""
    return _paper_corpus("openhermes", "xufangzhi/OpenHermes_48K_train", 32_000, section, bad_rows)


def _paper_corpus(name: str, hub_id: str, queries: int, section: CorpusSection, bad_rows: BadRows) -> Stream:
    """From the hub, or from the recipe's folder of data sets (a sub-folder called as the corpus or as the hub id)."""
    if section.data is None:
        return replace(open_hub(hub_id, section.revision), name=name, queries=queries)
    places = [Path(section.data).expanduser() / part for part in (name, hub_id)]
    folder = next((place for place in places if place.exists()), None)
    if folder is None:
        raise InputError(f"corpus {name}: there is no {places[0]} and no {places[1]} (corpus.data)")
    return replace(open_local(folder, bad_rows), name=name, queries=queries)
