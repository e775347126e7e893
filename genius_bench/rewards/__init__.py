"""Rewards of a group of responses to one query: pure functions of what they state and how sure the policy was."""
