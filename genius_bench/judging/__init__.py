"""Judges of open-ended answers: who they are, what they are asked, and the metrics made of what they say."""

VERSION = 3
"""Part of the key of whatever is made of judgements: raise it when a value would be read differently out of a reply."""
