"""The board as a static site: what a home holds, as pages that need no server and no network."""
