"""A plug-in package for genius-bench."""
