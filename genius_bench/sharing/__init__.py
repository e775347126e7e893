"""Runs that leave their home: archives for other people, and the cards of their checkpoints."""
