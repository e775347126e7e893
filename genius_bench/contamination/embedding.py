"""Texts as unit vectors: by a sentence-embedding model in a local folder or on the hub, or by TF-IDF where none is at
hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genius_bench.errors import InputError, first_line
from genius_bench.storage import read_json

Vectors = NDArray[np.float64]
"""[texts, dimensions], each row of length 1 (or 0 for a text without words)."""

BATCH = 32
TFIDF = "tfidf"


def embed(groups: Mapping[str, Sequence[str]], model: str = TFIDF) -> dict[str, Vectors]:
    """Vectors of several groups of texts in one space. TF-IDF learns its words from all of them together.

    Raises `InputError` where the model cannot be had or used.
    """
    texts = [text for group in groups.values() for text in group]
    if not texts:
        return {name: np.zeros((0, 1)) for name in groups}
    vectors = _tfidf(texts) if model == TFIDF else _by_model(texts, model)
    ends = np.cumsum([len(group) for group in groups.values()])
    return dict(zip(groups, np.split(vectors, ends[:-1]), strict=True))


def _tfidf(texts: list[str]) -> Vectors:
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        found: Vectors = (
            TfidfVectorizer(sublinear_tf=True, max_features=20_000).fit_transform(texts).toarray()
        )
    except ValueError as error:  # no word in any text
        raise InputError(f"these texts cannot be compared by their words: {first_line(error)}") from error
    return found


def _by_model(texts: list[str], name: str) -> Vectors:
    """Pooled as the model's sentence-transformers files say (first token or mean); the mean where they are silent."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from genius_bench.engines.loading import locate, pick_device
    from genius_bench.engines.weights import load_whole

    folder = locate(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot load the embedding model '{name}': {first_line(error)}") from error
    model: Any = load_whole(AutoModel, folder, unused=("pooler.",))
    device = pick_device("auto")
    model.to(device).eval()
    first_token = _pools_first_token(folder)
    limit = _length_limit(folder, model)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            batch = tokenizer(
                list(texts[start : start + BATCH]),
                padding=True,
                truncation=True,
                max_length=limit,
                return_tensors="pt",
            ).to(device)
            states = model(**batch).last_hidden_state.float()
            mask = batch["attention_mask"].unsqueeze(-1)
            pooled = states[:, 0] if first_token else (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            parts.append(torch.nn.functional.normalize(pooled, dim=1).cpu().numpy())
    return np.concatenate(parts).astype(np.float64)


def _pools_first_token(folder: Path) -> bool:
    file = folder / "1_Pooling" / "config.json"
    return bool(read_json(file).get("pooling_mode_cls_token")) if file.exists() else False


def _length_limit(folder: Path, model: Any) -> int:
    file = folder / "sentence_bert_config.json"
    said = read_json(file).get("max_seq_length") if file.exists() else None
    return int(said or getattr(model.config, "max_position_embeddings", 514) - 2)
