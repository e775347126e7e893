"""Objectives: pure functions of log-probabilities."""
