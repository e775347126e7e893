"""A paper's figures from our own data: one file a kind, each `(leaderboard, spec, home) -> Figure`."""
