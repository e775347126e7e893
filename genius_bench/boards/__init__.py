"""Leaderboards: reported numbers and those measured here, cell by cell."""
