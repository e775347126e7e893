"""Model cards: `README.md` beside a checkpoint's weights, in the hub's format, made of what the home knows of it.

A card says nothing that was not measured or recorded here, and what its numbers cannot tell.
"""

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from genius_bench import __version__, registry
from genius_bench.artifacts import Artifact, Store
from genius_bench.errors import GeniusBenchError
from genius_bench.evaluation.metrics import JUDGED
from genius_bench.readable import readable, readable_name
from genius_bench.reporting.board import board_of
from genius_bench.reporting.cost import cost_of
from genius_bench.reporting.row import Row
from genius_bench.reporting.scored import scored_models
from genius_bench.runs import Evaluation, Run, read_runs
from genius_bench.statistics import Difference
from genius_bench.storage import publish_file

CARD = "README.md"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Result:
    """What a checkpoint scored under one group of settings: its row, and the metric of every task."""

    settings: dict[str, Any]
    row: Row
    metrics: dict[str, str]


def write_cards(home: Path, run: Run) -> list[Path]:
    """Cards of all checkpoints of a run that lie in the home, with every score that it has of them."""
    store, runs = Store(home), read_runs(home)
    written = []
    for record in run.checkpoints:
        checkpoint = store.find("checkpoint", record["key"])
        if checkpoint is not None and (checkpoint.path / "model").is_dir():
            text = card_of(store, run, record, checkpoint, results_of(store, runs, run, record))
            path = checkpoint.path / "model" / CARD
            if not path.exists() or path.read_bytes() != text.encode():
                publish_file(path, partial(_write, text))
            written.append(path)
    return written


def _write(text: str, file: BinaryIO) -> None:
    file.write(text.encode())


def renew_cards(home: Path, fingerprint: str) -> None:
    """Of the runs that made a model, where any did: it has new scores."""
    for run in read_runs(home):
        if any(record["fingerprint"] == fingerprint for record in run.checkpoints):
            write_cards(home, run)


def results_of(store: Store, runs: list[Run], run: Run, record: dict[str, str]) -> list[Result]:
    """Everything that a checkpoint and its base were scored on, newest settings last."""
    found: dict[str, Result] = {}
    for evaluation in _evaluations(runs, record["fingerprint"]):
        tasks = list(evaluation.scores)
        scored = scored_models(store, runs, evaluation.settings, tasks)
        wanted = {record["fingerprint"], run.base_fingerprint}
        models = [one for one in scored if one.fingerprint in wanted]
        board = board_of(store.home, models, evaluation.settings, tasks)
        rows = [row for row in board.rows if row.fingerprints == (record["fingerprint"],)]
        if rows:
            key = json.dumps([evaluation.settings, sorted(tasks)], sort_keys=True)
            found[key] = Result(evaluation.settings, rows[0], board.metrics)
    return list(found.values())


def _evaluations(runs: list[Run], fingerprint: str) -> list[Evaluation]:
    return [one for run in runs for one in run.on_boards if one.fingerprint == fingerprint]


def card_of(
    store: Store, run: Run, record: dict[str, str], checkpoint: Artifact, results: list[Result]
) -> str:
    """The card as Markdown behind a header of YAML."""
    front = yaml.safe_dump(_header(run, record, results), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        f"# {_name(run, record)}",
        _introduction(run, record),
        "## Data\n\n" + _data(run),
        "## Recipe\n\n" + _recipe(store, run, record, checkpoint),
        "## Scores\n\n" + ("\n\n".join(map(_scores, results)) or "Not scored yet."),
        "## Limits\n\n" + _limits(run, results),
        "## Making it again\n\n" + _again(run, record),
    ]
    return "\n\n".join(parts) + "\n"


def _header(run: Run, record: dict[str, str], results: list[Result]) -> dict[str, Any]:
    """What the hub reads: https://huggingface.co/docs/hub/model-cards."""
    from huggingface_hub import EvalResult, ModelCardData

    assert run.recipe is not None
    scores = [
        EvalResult(
            task_type="text-generation",
            dataset_type=task,
            dataset_name=task,
            metric_type=_kind(result.metrics[task]),
            metric_name=result.metrics[task],
            metric_value=round(100 * cell.value, 2),
            metric_args={"confidence_interval_95": [round(100 * cell.low, 2), round(100 * cell.high, 2)]},
        )
        for result in results
        for task, cell in result.row.cells.items()
        if cell is not None
    ]
    data = ModelCardData(
        library_name="peft" if run.recipe["training"]["lora"]["rank"] else "transformers",
        pipeline_tag="text-generation",
        base_model=run.base if HUB_ID.fullmatch(run.base) else None,
        datasets=[run.corpus["name"]] if HUB_ID.fullmatch(str(run.corpus.get("name"))) else None,
        tags=["genius-bench", "self-training", run.recipe["method"]],
        model_name=_name(run, record) if scores else None,
        eval_results=scores or None,
    )
    found: dict[str, Any] = yaml.safe_load(data.to_yaml())
    return found


def _kind(metric: str) -> str:
    """What the hub calls it: ours say how answers were drawn, too."""
    return metric.partition("[")[0] if JUDGED.fullmatch(metric) else "accuracy"


def _name(run: Run, record: dict[str, str]) -> str:
    recipe = run.recipe or {}
    variant = f" ({recipe['variant']})" if recipe["variant"] != "paper" else ""
    rounds = f", iteration {record['iteration']}" if len(run.checkpoints) > 1 else ""
    return _plain(f"{_short(run.base)} trained with {_title(recipe['method'])}{variant}{rounds}")


def _introduction(run: Run, record: dict[str, str]) -> str:
    recipe = run.recipe or {}
    source = _method(recipe["method"], "source")
    cited = f" ({_plain(source)})" if source else ""
    return (
        f"{_plain(_short(run.base))}, trained with {_plain(_title(recipe['method']))}{cited} and the objective "
        f"{_plain(recipe['objective']['name'])} by genius-bench "
        f"{__version__}. Run `{_code(run.id)}`, seed {recipe['seed']}. Fingerprints of base and checkpoint "
        "(SHA-256 over weights, configuration and tokenizer):"
        f"\n\n    {run.base_fingerprint}\n    {record['fingerprint']}"
    )


def _data(run: Run) -> str:
    corpus = run.corpus
    lines = [f"{corpus.get('queries')} queries of `{_code(_short(str(corpus.get('name'))))}`."]
    lines += [f"Skipped: {count} ({_plain(reason)})." for reason, count in corpus.get("skipped", {}).items()]
    if revision := corpus.get("origin", {}).get("revision"):
        lines.append(f"Revision {_plain(str(revision))}.")
    overlap = corpus.get("overlap") or {}
    inside = {task: one["whole"] for task, one in overlap.items() if one["whole"]}
    if inside:
        told = ", ".join(f"{count} of {_plain(task)}" for task, count in inside.items())
        lines.append(f"**Items of the benchmarks that stand word for word in these queries: {told}.**")
    elif overlap:
        lines.append("No item of the tasks it was scored on stands word for word in these queries.")
    else:
        lines.append("Not compared with the items of any task.")
    return " ".join(lines)


def _recipe(store: Store, run: Run, record: dict[str, str], checkpoint: Artifact) -> str:
    """What was done, as YAML that `genius-bench train --recipe` reads, and what it took."""
    recipe = {name: value for name, value in (run.recipe or {}).items() if name not in ("launch", "engine")}
    # Places on somebody's machine mean nothing elsewhere, and are nobody's business.
    recipe["model"] = _short(str(recipe["model"]))
    recipe["corpus"] = {**recipe["corpus"], "name": _short(str(recipe["corpus"]["name"])), "data": None}
    recipe["evaluation"] = {
        "protocol": recipe["evaluation"]["protocol"],
        "suite": recipe["evaluation"]["suite"],
    }
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    counters = checkpoint.manifest["counters"]
    cost = cost_of(store, run, int(record["iteration"]))
    said = f"{counters['steps']:,.0f} optimiser steps"
    if cost is not None:
        said += (
            f"; in all {cost.tokens_sampled:,.0f} tokens sampled, {cost.tokens_trained:,.0f} trained on, about "
            f"{cost.flops:.3g} operations"
        )
    device = checkpoint.manifest["environment"].get("device", "?")
    fence = "~" * (3 + max([0, *map(len, re.findall("~+", text))]))
    return f"{said} ({_plain(str(device))}).\n\n{fence}yaml\n{readable(text)}{fence}"


def _scores(result: Result) -> str:
    settings, row = result.settings, result.row
    part = f", the first {settings['limit']} items of each task only" if settings.get("limit") else ""
    split = f", split `{_code(str(settings['split']))}`" if settings.get("split") else ""
    lines = [
        f"Protocol `{_code(str(settings['protocol']))}`{split}{part}. Percent with 95 % intervals; gains are over "
        "the base on the same questions, p-values corrected over tasks (Holm).",
        "",
        "| task | score | 95 % | gain | p |",
        "|---|--:|--:|--:|--:|",
    ]
    for task, cell in row.cells.items():
        lines.append(f"| {_plain(task)} | {_estimate(cell)} | {_gain(row.gains.get(task))} |")
    if len(row.cells) > 1:
        lines.append(f"| **mean** | {_estimate(row.average)} | {_gain(row.average_gain)} |")
    notes = [f"- {_plain(task)}: {_plain(note)}" for task, some in row.notes.items() for note in some]
    return "\n".join([*lines, "", *notes]).rstrip()


def _estimate(cell: Any) -> str:
    return f"{100 * cell.value:.2f} | {100 * cell.low:.2f} – {100 * cell.high:.2f}" if cell else "– | –"


def _gain(gain: Difference | None) -> str:
    return f"{100 * gain.difference:+.2f} | {gain.p_value:.3g}" if gain else "– | –"


def _limits(run: Run, results: list[Result]) -> str:
    said = [
        "One run with one seed: its intervals cover the choice of questions, not that of the seed.",
        "Scores hold for the protocol and prompts named here, and for no other.",
    ]
    if run.base == "lab":
        said.append(
            "The lab model is a few million weights that were made to try methods on: its numbers say nothing about "
            "any other model, and its answers are of no use."
        )
    small = {
        task for result in results for task, gain in result.row.gains.items() if gain and gain.p_value >= 0.05
    }
    if small:
        said.append(f"Not told apart from the base (p ≥ 0.05): {', '.join(map(_plain, sorted(small)))}.")
    said.append(
        "Self-training rewards what the model already prefers; nobody looked at its answers for safety."
    )
    return "\n".join(f"- {line}" for line in said)


def _again(run: Run, record: dict[str, str]) -> str:
    return (
        "Save the recipe above as `recipe.yaml`:\n\n    genius-bench train --recipe recipe.yaml\n\n"
        f"The run itself, with every answer: `genius-bench export {_code(run.id)}` where it was made. Checkpoint "
        f"artifact `{record['key'][:12]}`."
    )


def _title(method: str) -> str:
    return _method(method, "title") or method


def _method(name: str, attribute: str) -> str:
    """Of a plug-in that may not be installed here."""
    try:
        return str(getattr(registry.load("methods", name), attribute))
    except GeniusBenchError:
        return ""


def _short(name: str) -> str:
    """A path on somebody's machine by its last part."""
    return Path(name).name if name.startswith(("/", ".", "~")) else name


def _plain(text: str) -> str:
    """Words as Markdown shows them: nothing in them is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", readable_name(text.replace("\n", " ")))


def _code(text: str) -> str:
    return readable_name(text.replace("\n", " ")).replace("`", "'")
