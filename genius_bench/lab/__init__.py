"""The lab: a small base model, its tokenizer, its queries and seven task families, all procedurally made."""

from pathlib import Path

MODEL_PATH: Path = Path(__file__).parent / "model"
"""Folder of the embedded base model (loadable with `from_pretrained`)."""
