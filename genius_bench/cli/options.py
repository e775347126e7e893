"""Options that several commands share, each described once."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from genius_bench import home, registry

WHAT, WHERE, SCORED, LOOK = "What is trained", "Where it runs", "How it is scored", "Only looking"
"""The boxes that `--help` puts options in."""


def completed(kind: str) -> Callable[[str], list[str]]:
    """What a shell completes a plug-in's name from."""

    def fitting(incomplete: str) -> list[str]:
        return [name for name in registry.names(kind) if name.startswith(incomplete)]

    return fitting


Home = Annotated[
    Path,
    typer.Option(
        "--home",
        default_factory=home.home,
        callback=home.choose,
        show_default="$GENIUS_BENCH_HOME or ~/.genius-bench",
        help="Where artifacts and runs are kept.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Overrides one value of the recipe; may be repeated.",
        rich_help_panel=WHAT,
    ),
]
UnsafeCode = Annotated[
    bool,
    typer.Option(
        "--unsafe-code",
        help="Run model-written code without a sandbox where none is available.",
        rich_help_panel=SCORED,
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe", help="A YAML file with any part of a recipe.", show_default=False, rich_help_panel=WHAT
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="A local folder of benchmark data sets, used instead of the hub.",
        show_default=False,
        rich_help_panel=SCORED,
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(
        "--suite",
        help="A suite (lab, reasoning, …) or a comma-separated list of tasks.",
        show_default=False,
        rich_help_panel=SCORED,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        help="A method plug-in.",
        show_default="genius",
        rich_help_panel=WHAT,
        autocompletion=completed("methods"),
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="'lab', 'smollm2', a local folder, or a hub id.",
        show_default="lab",
        rich_help_panel=WHAT,
    ),
]
Corpus = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        help="lab, magpie, openhermes, a JSONL/Parquet file, or a hub id.",
        show_default="lab",
        rich_help_panel=WHAT,
        autocompletion=completed("corpora"),
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="hf, vllm, or ray: in front of one; openai for a server (training: --set engine.url=URL).",
        show_default="hf",
        rich_help_panel=WHERE,
        autocompletion=completed("engines"),
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Engines that Ray spreads the requests over (with --engine ray:hf, ray:vllm, …).",
        show_default="as many as there is room for at the start",
        rich_help_panel=WHERE,
    ),
]
BoardName = Annotated[
    str, typer.Option("--board", help="genius-paper, lab, or a folder with a board.yaml of your own.")
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol", help="strict, paper or released.", show_default="strict", rich_help_panel=SCORED
    ),
]
Judge = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="Who compares open-ended answers: a model's name at --judge-url, or 'lab', a folder, a hub id.",
        show_default=False,
        rich_help_panel=SCORED,
    ),
]
JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge-url",
        help="An OpenAI-compatible endpoint, up to and including /v1.",
        show_default=False,
        rich_help_panel=SCORED,
    ),
]
