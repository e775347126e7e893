"""Judges of open-ended answers: who they are, what they are asked, and the metrics made of what they say."""
