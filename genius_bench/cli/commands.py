"""Registers every command."""

from genius_bench.cli import board, doctor, evaluate, inspect, listings, regrade, train  # noqa: F401
