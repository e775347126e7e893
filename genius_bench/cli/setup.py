"""`genius-bench setup`: what parts of the harness need beside the package itself, fetched or built once."""

import typer

from genius_bench.cli import app
from genius_bench.cli.options import Home
from genius_bench.errors import InputError, nearest
from genius_bench.printing import note, say

PARTS = ["opencompass", "smollm2"]


@app.command()
def setup(
    home: Home,
    name: str = typer.Argument(metavar="NAME", help=f"What to set up: {', '.join(PARTS)}."),
) -> None:
    """Build OpenCompass' environment, or fetch the model smollm2 (run once)."""
    if name not in PARTS:
        raise InputError(f"nothing to set up called '{name}': {nearest(name, PARTS)}")
    if name == "smollm2":
        from genius_bench.engines import smollm2

        say(f"{smollm2.HUB_ID} is ready in {smollm2.find()}: --model smollm2")
        return
    from genius_bench.opencompass import environment

    folder = environment.setup(home, note)
    say(f"OpenCompass {environment.VERSION} is ready in {folder}")
