"""Registers every command."""

from genius_bench.cli import (  # noqa: F401
    board,
    compare,
    data,
    doctor,
    evaluate,
    inspect,
    listings,
    regrade,
    setup,
    tasks,
    train,
)
