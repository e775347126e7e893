"""`genius-bench setup`: environments that parts of the harness need beside its own."""

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError, nearest
from genius_bench.printing import note, say

ENVIRONMENTS = ["opencompass"]


@app.command()
def setup(
    home: Home,
    name: str = typer.Argument(metavar="NAME", help=f"What to set up: {', '.join(ENVIRONMENTS)}."),
) -> None:
    """Build the environment that a part of the harness needs beside its own (run once)."""
    if name not in ENVIRONMENTS:
        raise InputError(f"nothing to set up called '{name}': {nearest(name, ENVIRONMENTS)}")
    from genius_bench.opencompass import environment

    folder = environment.setup(home, note)
    say(f"OpenCompass {environment.VERSION} is ready in {folder}")
