"""Registers every command."""

from genius_bench.cli import (  # noqa: F401
    board,
    compare,
    contamination,
    data,
    doctor,
    evaluate,
    explain,
    figures,
    inspect,
    listings,
    new,
    pairs,
    regrade,
    reproduce,
    runs,
    setup,
    sharing,
    tables,
    tasks,
    train,
)
