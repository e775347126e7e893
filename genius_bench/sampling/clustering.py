"""Groups of open-ended texts that say alike: TF-IDF vectors, clustered by cosine distance."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from genius_bench.answers.places import last_phrase, said
from genius_bench.recipe import Section

WORD = r"(?u)[\u3040-\u30ff\u4e00-\u9fff]|\w+"
"""Chinese and Japanese are written without spaces: each of their characters counts as a word."""


class ClusterOptions(Section):
    clustering: Literal["threshold", "kmeans"] = "threshold"
    """Agglomerative up to a distance, which can find that nobody agrees; or k-means with a fixed number of clusters,
    as the group of Genius does in φ-Decoding, which always finds some that do."""
    cluster_distance: float = Field(default=0.5, gt=0, le=1)
    """Cosine distance below which clusters are merged (average linkage)."""
    clusters: PositiveInt = 3
    """K of k-means."""


def conclusion(text: str) -> str:
    """What a text comes to: what follows its last "the answer is", or its last paragraph."""
    text = said(text)
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    return last_phrase(text) or (paragraphs[-1].strip() if paragraphs else text)


def distances(texts: Sequence[str]) -> np.ndarray:
    """Cosine distances of TF-IDF vectors (words and word pairs), shape [texts, texts]; 0 between equal texts."""
    vectors = _vectors(texts)
    result: np.ndarray = np.clip(1.0 - vectors @ vectors.T, 0.0, 1.0)
    same = np.array([[one == other for other in texts] for one in texts])
    return np.where(same, 0.0, result)


def clusters_of(texts: Sequence[str], options: ClusterOptions) -> list[int]:
    """The cluster number of every text."""
    from sklearn.cluster import AgglomerativeClustering, KMeans

    distinct = len(set(texts))
    if distinct < 2:
        return [0] * len(texts)
    if options.clustering == "kmeans":
        means = KMeans(min(options.clusters, distinct), n_init=10, random_state=0)
        return [int(label) for label in means.fit_predict(_vectors(texts))]
    tree = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=options.cluster_distance
    )
    return [int(label) for label in tree.fit_predict(distances(texts))]


def medoid(texts: Sequence[str]) -> int:
    """Which text is nearest to all others, the first of equals."""
    return int(distances(texts).sum(axis=1).argmin())


def _vectors(texts: Sequence[str]) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(
        re.search(WORD, text) for text in texts
    ):  # nothing but signs: equal texts are all there is to find
        return np.array([[float(text == other) for other in dict.fromkeys(texts)] for text in texts])
    vectors: np.ndarray = (
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD).fit_transform(texts).toarray()
    )
    return vectors
