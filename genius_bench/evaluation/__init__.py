"""Scoring checkpoints: suites, runners, graders, statistics."""
