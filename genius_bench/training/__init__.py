"""The optimise stage: a training set in, a checkpoint out."""
