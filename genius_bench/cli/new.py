"""`genius-bench new`: a plug-in package to start from."""

from pathlib import Path
from typing import Annotated

import typer

from genius_bench.cli import app
from genius_bench.printing import say


@app.command()
def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="method, pair-method, online-method, objective, task, code-task, corpus or engine."
        ),
    ],
    name: Annotated[str, typer.Argument(help="In small letters, as in best-of-two.")],
    into: Annotated[Path, typer.Option(help="Where the package's folder is made.")] = Path(),
) -> None:
    """Lay down a working plug-in package, to be installed, tried and changed."""
    from genius_bench.starting import KINDS, lay_down

    folder = lay_down(kind, name, into)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        say(str(path))
    called = name.replace("-", "_") if KINDS[kind].registered == "tasks" else name
    say("\nIt works as it is:")
    say(f"  pip install -e {folder if into.is_absolute() else f'./{folder}'}")
    for command in KINDS[kind].commands:
        say(f"  genius-bench {command.replace('NAME', called)}")
