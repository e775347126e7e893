"""Queries too long for the recipe: found before anything is sampled, by whoever has the tokenizer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from genius_bench.corpora.corpus import Corpus
from genius_bench.errors import InputError
from genius_bench.rows import Query


def check_lengths(
    corpus: Corpus, count_tokens: Callable[[Query], int], limit: int, *, skip: bool = False
) -> Corpus:
    """`corpus` with no query above `limit` tokens: the first one is an error, or all are left out and counted.

    `count_tokens` counts the *rendered* prompt, chat template included.
    """
    kept = []
    for query in corpus.queries:
        length = count_tokens(query)
        if length <= limit:
            kept.append(query)
        elif not skip:
            raise InputError(
                f"corpus {corpus.name}: row '{query.id}' is {length} tokens long, {limit} are allowed. Raise "
                "corpus.max_prompt_tokens, or skip such rows with --set corpus.skip_bad_rows=true"
            )
    if not kept:
        raise InputError(f"corpus {corpus.name}: every query is longer than {limit} tokens")
    too_long = Counter({"too long": len(corpus.queries) - len(kept)})
    return replace(corpus, queries=kept, skipped=dict(+(Counter(corpus.skipped) + too_long)))
