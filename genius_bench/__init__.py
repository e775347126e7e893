"""genius-bench: train language models with self-training methods and score every checkpoint honestly."""

__version__ = "0.1.0"
