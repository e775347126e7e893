"""One folder per benchmark: data, not code."""
