"""Where training queries come from: the lab, the paper's corpora, local files, any data set on the hub."""

from genius_bench.corpora.conversations import UnusableRow
from genius_bench.corpora.corpus import Corpus, load_corpus
from genius_bench.corpora.lengths import check_lengths
from genius_bench.corpora.storing import stored
from genius_bench.corpora.stream import BadRows, Record, Stream, listing

__all__ = [
    "BadRows",
    "Corpus",
    "Record",
    "Stream",
    "UnusableRow",
    "check_lengths",
    "listing",
    "load_corpus",
    "stored",
]
