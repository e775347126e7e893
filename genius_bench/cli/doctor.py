"""`genius-bench doctor`: what this machine can and cannot do, and how to mend it."""

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json

MARKS = {"yes": ("✓", "green"), "partly": ("~", "yellow"), "no": ("✗", "red")}


@app.command()
def doctor(home: Home, as_json: Json = False) -> None:
    """Say what this machine can and cannot do, and how to mend what it cannot."""
    from genius_bench.doctor import diagnose

    findings = diagnose(home)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for finding in findings:
        mark, colour = MARKS[finding.ok]
        table.add_row(Text(mark, style=colour), Text(finding.name, style="bold"), Text(finding.detail))
        if finding.how_to_mend:
            table.add_row("", "", Text(f"→ {finding.how_to_mend}", style="dim"))
    Console().print(table)
