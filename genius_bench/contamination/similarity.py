"""How alike two sets of queries are: the mean cosine over all pairs of their embeddings (the paper's Table 5)."""

import numpy as np

from genius_bench.contamination.embedding import Vectors


def mean_cosine(a: Vectors, b: Vectors) -> float:
    """Over every pair of a row of `a` and a row of `b`: the product of the two mean vectors."""
    return float(a.mean(axis=0) @ b.mean(axis=0))


def mean_cosine_within(vectors: Vectors) -> float:
    """Over every pair of different rows; NaN for fewer than two."""
    count = len(vectors)
    if count < 2:
        return float("nan")
    total = vectors.sum(axis=0)
    return float((total @ total - (vectors**2).sum()) / (count * (count - 1)))


def on_a_plane(vectors: Vectors, seed: int = 0) -> Vectors:
    """t-SNE: neighbours stay neighbours, distances between clusters mean little. [rows, 2]."""
    from sklearn.manifold import TSNE

    neighbours = min(30.0, max((len(vectors) - 1) / 3, 1.0))
    start = "pca" if min(vectors.shape) > 2 else "random"
    found: Vectors = TSNE(perplexity=neighbours, init=start, random_state=seed).fit_transform(
        vectors.astype(np.float32)
    )
    return found
