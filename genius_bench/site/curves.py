"""Training curves: what every checkpoint's trainer logged, thinned to what a screen can show."""

from typing import Any

from genius_bench.artifacts import Store
from genius_bench.online.audit import audit_lines
from genius_bench.runs import Run
from genius_bench.site.holdings import SHORT
from genius_bench.site.problems import Problems
from genius_bench.site.scripts import rounded

POINTS = 240
UNINTERESTING = {"step", "epoch"}

Curves = dict[str, dict[str, list[float]]]
"""Metric → {steps, values}."""


def training_curves(store: Store, run: Run, problems: Problems) -> Curves:
    """All iterations of a run after one another: steps count on."""
    curves: Curves = {}
    done = 0
    for checkpoint in run.checkpoints:
        artifact = store.find("checkpoint", checkpoint["key"])
        if artifact is None:
            continue
        with problems.skipping(f"training log of {checkpoint['key'][:SHORT]} ({run.id})"):
            log = artifact.json("trainer_log.json")
            audited = _audited(store, run, checkpoint["key"])
            for row in thinned([row | audited.get(row["step"], {}) for row in log if "step" in row]):
                for name, value in row.items():
                    if name not in UNINTERESTING and isinstance(value, int | float):
                        curve = curves.setdefault(name, {"steps": [], "values": []})
                        curve["steps"].append(done + int(row["step"]))
                        curve["values"].append(rounded(float(value)))
        done += int(artifact.manifest["counters"].get("steps", 0))
    return curves


def _audited(store: Store, run: Run, checkpoint: str) -> dict[int, dict[str, float]]:
    """What an online training did by the answers that it never saw, step by step; nothing where there is no audit."""
    return {
        step: {f"by hidden answers/{name}": value for name, value in line.items() if name != "step"}
        for step, line in audit_lines(store, checkpoint, run.corpus.get("fingerprint", "")).items()
    }


def thinned(rows: list[Any], limit: int = POINTS) -> list[Any]:
    """At most `limit` of them, evenly spread, the last among them."""
    if len(rows) <= limit:
        return rows
    return [rows[round(place * (len(rows) - 1) / (limit - 1))] for place in range(limit)]
