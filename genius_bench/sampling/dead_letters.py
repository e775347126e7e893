"""Queries that were given up, because whoever was asked them died of it. The run goes on without them."""

import json
from typing import Any

from genius_bench.artifacts import Build
from genius_bench.errors import WorkerKilledError
from genius_bench.rows import Query

NOTE = "killed its worker"
FILE = "dead_letters.json"


def dead_letter(query: Query, error: WorkerKilledError) -> dict[str, Any]:
    """The row of a collection that stands for a query nobody survived; it is not tried again."""
    trace = json.dumps({"error": str(error)}, ensure_ascii=False)
    return {"id": query.id, "rows": "[]", "trace": trace, "notes": json.dumps({NOTE: 1})}


def list_dead_letters(build: Build) -> None:
    """Writes the list of them beside the rows, where there are any: [{"id": …, "reason": …}]."""
    dead = {row["id"] for row in build.rows("id", "notes") if NOTE in json.loads(row["notes"])}
    if not dead:
        return
    letters = [
        {"id": row["id"], "reason": json.loads(row["trace"])["error"]}
        for row in build.rows("id", "trace")
        if row["id"] in dead
    ]
    build.write_json(FILE, sorted(letters, key=lambda letter: letter["id"]))
