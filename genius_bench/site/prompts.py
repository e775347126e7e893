"""What a run's queries asked, as text: from its corpus, or from token ids where that is gone."""

from collections.abc import Callable, Sequence

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora.storing import queries_of
from genius_bench.runs import Run
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems

TOKENIZER = "model/tokenizer.json"

Decode = Callable[[Sequence[int]], str]


def stored_queries(store: Store, run: Run) -> Artifact | None:
    """The run's corpus, where the store keeps it."""
    fingerprint = run.corpus.get("fingerprint")
    return store.find("queries", queries_of(fingerprint).key) if fingerprint else None


def prompts_of(source: Artifact) -> dict[str, str]:
    """Query → its messages as one text."""
    found = {}
    for row in source.rows("id", "messages"):
        turns = row["messages"]
        alone = len(turns) == 1
        found[row["id"]] = "\n\n".join(
            turn["content"] if alone else f"{turn['role']}: {turn['content']}" for turn in turns
        )
    return found


def decoder_of(store: Store, checkpoint: dict[str, str], problems: Problems) -> Decode:
    """Token ids to text, by the tokenizer that was saved with the checkpoint; without it ids stay numbers."""
    from tokenizers import Tokenizer

    artifact = store.find("checkpoint", checkpoint["key"])
    with problems.skipping(f"tokenizer of checkpoint {checkpoint['key'][:SHORT]}"):
        if artifact is None or not artifact.has(TOKENIZER):
            return _as_numbers
        file = artifact.file(TOKENIZER)
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing more special
            raise ValueError(str(error)) from error
        return lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True))
    return _as_numbers


def _as_numbers(ids: Sequence[int]) -> str:
    return f"[{len(ids)} tokens: {' '.join(map(str, ids[:200]))}{' …' if len(ids) > 200 else ''}]"
