"""Queries too long for the recipe: found before anything is sampled, by whoever has the tokenizer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from genius_bench.corpora.corpus import Corpus
from genius_bench.corpora.queries import chosen
from genius_bench.errors import InputError
from genius_bench.rows import Query


def check_lengths(
    corpus: Corpus, count_tokens: Callable[[Query], int], limit: int, *, skip: bool = False
) -> Corpus:
    """`corpus` with no query above `limit` tokens: the first one is an error, or all are left out and counted.

    `count_tokens` counts the *rendered* prompt, chat template included.
    """
    keep = bytearray()
    for query in corpus.queries:
        length = count_tokens(query)
        keep.append(length <= limit)
        if length > limit and not skip:
            raise InputError(
                f"corpus {corpus.name}: row '{query.id}' is {length} tokens long, {limit} are allowed. Raise "
                "corpus.max_prompt_tokens, or skip such rows with --set corpus.skip_bad_rows=true"
            )
    if not any(keep):
        raise InputError(f"corpus {corpus.name}: every query is longer than {limit} tokens")
    if all(keep):
        return corpus
    too_long = Counter({"too long": keep.count(0)})
    skipped = dict(Counter(corpus.skipped) + too_long)
    return replace(corpus, queries=chosen(corpus.queries, keep), skipped=skipped)
