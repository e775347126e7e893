"""Objectives of the online stage: pure functions of rewards, lengths and token log-probabilities."""
