"""The lab's model: weights, tokenizer, chat template."""
