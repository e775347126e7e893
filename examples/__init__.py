"""The package that docs/plugins.md prints and `genius-bench new` copies from: data, never imported from here."""
