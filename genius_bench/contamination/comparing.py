"""Corpora against tasks in one space of embeddings: what Table 5 and Figure 7 are made of.

Kept as an artifact: `similarities.json` (mean cosines) and one row a query with its place on the plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.contamination.embedding import TFIDF, Vectors, embed
from genius_bench.contamination.similarity import mean_cosine, mean_cosine_within, on_a_plane
from genius_bench.contamination.sources import Texts, drawn
from genius_bench.engines.loading import fingerprint, locate
from genius_bench.integrity import digest_of

SELF = "self"
FILE = "similarities.json"


@dataclass(frozen=True)
class Similarities:
    """Task → corpus (or `self`: its own queries among themselves) → mean cosine."""

    embedder: str
    queries: int
    """At most so many of each set."""
    values: dict[str, dict[str, float]]
    places: list[tuple[str, float, float]]
    """(set, x, y) of every query: by t-SNE."""


def compare_sets(
    store: Store, corpora: dict[str, Texts], tasks: dict[str, Texts], *, count: int, embedder: str = TFIDF
) -> Similarities:
    """Embeds `count` queries of each set, or finds that done. Raises `InputError` for a model that cannot be had."""
    texts = {name: drawn(some, count, name) for name, some in {**corpora, **tasks}.items()}
    identity = Identity(
        kind="similarities",
        version=1,
        parameters={"embedder": embedder, "queries": count, "corpora": list(corpora), "tasks": list(tasks)},
        inputs={
            "texts": digest_of(texts),
            "model": "" if embedder == TFIDF else fingerprint(locate(embedder)),
        },
    )

    def produce(build: Build) -> None:
        vectors = embed(texts, embedder)
        places = on_a_plane(np.concatenate(list(vectors.values())))
        names = [name for name, group in vectors.items() for _ in group]
        rows = [
            {"set": name, "x": float(x), "y": float(y)} for name, (x, y) in zip(names, places, strict=True)
        ]
        build.write_json(FILE, _values(vectors, list(corpora), list(tasks)))
        build.write_shard(rows)

    return _read(store.make(identity, produce))


def newest(store: Store, corpora: Sequence[str], tasks: Sequence[str]) -> Similarities | None:
    """The last comparison of a home that holds some of these; None where there is none."""
    fitting = [
        artifact
        for artifact in store.all("similarities")
        if set(artifact.manifest["parameters"]["tasks"]) & set(tasks)
        and (not corpora or set(artifact.manifest["parameters"]["corpora"]) & set(corpora))
    ]
    last = max(fitting, key=lambda artifact: str(artifact.manifest["finished_at"]), default=None)
    return _read(last) if last else None


def described(embedder: str) -> str:
    return "TF-IDF" if embedder == TFIDF else embedder


def _values(vectors: dict[str, Vectors], corpora: list[str], tasks: list[str]) -> dict[str, dict[str, float]]:
    return {
        task: {SELF: mean_cosine_within(vectors[task])}
        | {corpus: mean_cosine(vectors[task], vectors[corpus]) for corpus in corpora}
        for task in tasks
    }


def _read(artifact: Artifact) -> Similarities:
    parameters = artifact.manifest["parameters"]
    return Similarities(
        embedder=parameters["embedder"],
        queries=parameters["queries"],
        values=artifact.json(FILE),
        places=[(row["set"], row["x"], row["y"]) for row in artifact.rows()],
    )
