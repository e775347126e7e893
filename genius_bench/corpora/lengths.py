"""Queries that the model cannot be asked: found before anything is sampled, by whoever has the tokenizer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from genius_bench.corpora.conversations import UnusableRow
from genius_bench.corpora.corpus import Corpus
from genius_bench.corpora.queries import Queries, chosen
from genius_bench.corpora.stream import BadRows, listing
from genius_bench.errors import InputError
from genius_bench.rows import Query


def check_lengths(
    corpus: Corpus,
    count_tokens: Callable[[Query], int],
    limit: int,
    *,
    limited_by: str = "corpus.max_prompt_tokens",
    skip: bool = False,
) -> Corpus:
    """`corpus` with no query above `limit` tokens and none that cannot be rendered.

    `count_tokens` counts the *rendered* prompt, chat template included, and raises `UnusableRow` where there is none.
    `limited_by` is what messages name as the reason of the limit.
    The first such query is an error; with `skip` all are left out and counted, and those that follow in the order of
    the draw take their places while there are any.
    """
    wanted, keep, bad_rows = len(corpus.queries), bytearray(), BadRows(skip)
    candidates = Queries(lambda: chain(corpus.queries, corpus.spare), wanted + len(corpus.spare))
    kept = 0
    for query in candidates:
        if kept == wanted:
            break
        usable = True
        try:
            _check(query, count_tokens, limit, limited_by)
        except UnusableRow as reason:
            where = "" if skip else corpus.place_of(query.id)  # to find it, the source is read again
            bad_rows.add(reason.reason, f"{where} {reason}")
            usable = False
        keep.append(usable)
        kept += usable
    if not kept:
        raise InputError(
            f"corpus {corpus.name}: no query can be asked ({listing(bad_rows.counts)}; at most {limit} tokens are "
            f"allowed by {limited_by})"
        )
    if not bad_rows.counts:
        return corpus
    skipped = dict(Counter(corpus.skipped) + bad_rows.counts)
    return replace(corpus, queries=chosen(candidates, keep), spare=(), skipped=skipped)


def _check(query: Query, count_tokens: Callable[[Query], int], limit: int, limited_by: str) -> None:
    length = count_tokens(query)
    if length > limit:
        raise UnusableRow(f"is {length} tokens long, {limit} are allowed by {limited_by}", "too long")
