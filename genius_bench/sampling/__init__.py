"""How responses are drawn and curated: the steps that methods share."""
