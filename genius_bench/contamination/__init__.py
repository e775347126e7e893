"""How near training queries come to benchmark items: shared word sequences, and similar embeddings."""
