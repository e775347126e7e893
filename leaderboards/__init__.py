"""One folder per board: reported numbers and specs."""
