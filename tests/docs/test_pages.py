"""The documentation: its site builds without a warning, and what it prints is what the program takes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import genius_bench.cli.commands  # noqa: F401  (registers them)
from genius_bench.cli import app
from genius_bench.recipe import Recipe
from tests.docs.printed import PAGES, ROOT, commands, to_run

RUN: list[Path] = sorted(filter(to_run, PAGES), key=lambda page: page.name != "start.md")
FREE = ("sampling", "objective")
"""Sections whose keys are a method's or an objective's own."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = (tmp_path / "plugins" / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "examples" / "example_plugin").glob("[a-z]*.py"):
        assert path.name in shown
    assert "--8&lt;--" not in shown
    pages = [*tmp_path.rglob("*.html")]
    assert len(pages) == len(PAGES)  # all but the README, and the page of what is not there
    assert not [page for page in pages if "https://fonts." in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_printed_commands_have_options_and_keys_that_there_are(page: Path) -> None:
    for words in commands(page):
        command: Any = get_command(app)
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        words = [word for word in words if word not in known]
        while words and hasattr(command, "commands"):
            if words[0] not in command.commands:
                raise AssertionError(f"there is no command {words[0]}")
            command, words = command.commands[words[0]], words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        for place, word in enumerate(words):
            if word.startswith("--"):
                assert word.partition("=")[0] in options | known, f"{word} of {command.name}"
            if word == "--set":
                check_key(words[place + 1])


def check_key(assignment: str) -> None:
    section, *keys = assignment.partition("=")[0].split(".")
    model: Any = Recipe
    for key in [section, *keys]:
        if section in FREE and model is not Recipe:
            return
        assert key in model.model_fields, assignment
        model = model.model_fields[key].annotation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all pages, so that they share the runs of the first."""
    return tmp_path_factory.mktemp("reader")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", RUN, ids=named)
def test_printed_commands_run_as_printed(page: Path, folder: Path) -> None:
    script = "set -euo pipefail\n" + "".join(to_run(page))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path, "GENIUS_BENCH_HOME": str(folder / ".home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert SAID[page.name] in done.stdout + done.stderr


SAID = {
    "start.md": "sft seed 0",
    "own-data.md": "corpus queries.jsonl: 3 queries",
    "lora.md": "checkpoint: ",
    "rates-and-seeds.md": "sft, 2 seeds",
    "chat-templates.md": "lab",
    "online-run.md": "majorities turned: ",
    "tracking.md": "offline-run-",
    "sharing.md": "imported: ",
}
"""Of each page, words that only the work itself can print."""
