"""`genius-bench doctor`: what this machine can and cannot do, and how to mend it."""

from dataclasses import asdict

from genius_bench.cli import app
from genius_bench.cli.options import Home, Json
from genius_bench.printing import new_table, open_console, say_json, words

MARKS = {"yes": ("✓", "green"), "partly": ("~", "yellow"), "no": ("✗", "red")}


@app.command()
def doctor(home: Home, as_json: Json = False) -> None:
    """Say what this machine can and cannot do, and how to mend what it cannot."""
    from genius_bench.doctor import diagnose

    findings = diagnose(home)
    if as_json:
        say_json([asdict(finding) for finding in findings])
        return
    table = new_table(show_header=False)
    for finding in findings:
        mark, colour = MARKS[finding.ok]
        table.add_row(words(mark, style=colour), words(finding.name, style="bold"), words(finding.detail))
        if finding.how_to_mend:
            table.add_row("", "", words(f"→ {finding.how_to_mend}", style="dim"))
    open_console().print(table)
