"""The plug-in's tasks: one folder each."""
