"""Queries that the model cannot be asked: found before anything is sampled, by whoever has the tokenizer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from genius_bench.corpora.conversations import UnusableRow
from genius_bench.corpora.corpus import Corpus
from genius_bench.corpora.queries import Queries, chosen
from genius_bench.corpora.stream import BadRows
from genius_bench.errors import InputError
from genius_bench.rows import Query


def check_lengths(
    corpus: Corpus, count_tokens: Callable[[Query], int], limit: int, *, skip: bool = False
) -> Corpus:
    """`corpus` with no query above `limit` tokens and none that cannot be rendered.

    `count_tokens` counts the *rendered* prompt, chat template included, and raises `UnusableRow` where there is none.
    The first such query is an error; with `skip` all are left out and counted, and those that follow in the order of
    the draw take their places while there are any.
    """
    wanted, keep, bad_rows = len(corpus.queries), bytearray(), BadRows(skip)
    candidates = Queries(lambda: chain(corpus.queries, corpus.spare), wanted + len(corpus.spare))
    kept = 0
    for query in candidates:
        if kept == wanted:
            break
        usable = _is_usable(query, corpus, count_tokens, limit, bad_rows)
        keep.append(usable)
        kept += usable
    if not kept:
        others = " or refused by the chat template" if len(bad_rows.counts) > 1 else ""
        raise InputError(f"corpus {corpus.name}: every query is longer than {limit} tokens{others}")
    if not bad_rows.counts:
        return corpus
    skipped = dict(Counter(corpus.skipped) + bad_rows.counts)
    return replace(corpus, queries=chosen(candidates, keep), spare=(), skipped=skipped)


def _is_usable(
    query: Query, corpus: Corpus, count_tokens: Callable[[Query], int], limit: int, bad_rows: BadRows
) -> bool:
    try:
        length = count_tokens(query)
    except UnusableRow as reason:
        bad_rows.add("refused by the chat template", f"{corpus.place_of(query.id)} {reason}")
        return False
    if length > limit:
        bad_rows.add(
            "too long",
            f"{corpus.place_of(query.id)} is {length} tokens long, {limit} are allowed (corpus.max_prompt_tokens)",
        )
    return length <= limit
