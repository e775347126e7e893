"""What tasks there are: a folder with a `task.yaml` each, ours and those of installed plug-in packages.

A `task.yaml` is an lm-eval task file (prompt, data set, generation limits) whose `metadata` holds what lm-eval has no
word for: grader, published rule, expected items, licence. Suites are named lists of tasks.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from genius_bench import registry
from genius_bench.errors import InputError, nearest
from genius_bench.evaluation.facts import TaskFacts, Under
from genius_bench.layers import merge, validate
from genius_bench.recipe import EvaluationSection

SUITES = {"lab": "lab", "smollm2": "plain"}
"""The suite that fits a model by name."""


class TaskCard(BaseModel):
    """One task: its lm-eval configuration and its facts."""

    model_config = ConfigDict(frozen=True)

    name: str
    config: dict[str, Any]
    facts: TaskFacts
    path: Path

    @property
    def max_tokens(self) -> int:
        """Tokens an answer may have, unless the recipe says otherwise."""
        return int(self.config["generation_kwargs"]["max_gen_toks"])

    @property
    def split(self) -> str:
        return str(self.config["test_split"])

    @property
    def shots(self) -> int:
        """Solved examples before the question."""
        return int(self.config.get("num_fewshot") or 0)

    def under(self, protocol: str) -> "TaskCard":
        """The task as a protocol asks it; `strict` is what the file itself says."""
        if protocol == "strict":
            return self
        change = self.facts.protocols.get(protocol, Under())
        config = {key: value for key, value in merge(self.config, change.config).items() if value is not None}
        examples = self.facts.examples if change.examples is None else change.examples
        facts = self.facts.model_copy(update={"examples": examples, "samples": change.samples})
        return self.model_copy(update={"config": config, "facts": facts})


def available_tasks() -> list[TaskCard]:
    """Every installed task, sorted by name. Raises `InputError` for a broken task file."""
    return [read_card(path) for _, path in sorted(_task_files().items())]


def task_card(name: str) -> TaskCard:
    """The task called `name`. Raises `InputError` with the nearest name when there is none."""
    known = _task_files()
    if name not in known:
        raise InputError(f"unknown task '{name}': {nearest(name, [*known, *_suites()])}")
    return read_card(known[name])


def resolve_suite(text: str) -> list[str]:
    """The tasks of a suite, or of a comma-separated list of suites and tasks, without repetition.

    Raises `InputError` when a name is unknown or when a suite holds tasks that are not available.
    """
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted:
        raise InputError(f"no task named: give a suite ({', '.join(sorted(_suites()))}) or a list of tasks")
    known = _task_files()
    tasks: list[str] = []
    for name in wanted:
        members = _members(name)
        missing = [member for member in members if member not in known]
        if missing and name in _suites():
            there = ",".join(member for member in members if member in known)
            hint = f"; what is there: --suite {there}" if there else ""
            raise InputError(f"suite '{name}' names tasks not available yet: {', '.join(missing)}{hint}")
        if missing:
            raise InputError(f"unknown task '{name}': {nearest(name, [*known, *_suites()])}")
        tasks += members
    return list(dict.fromkeys(tasks))


def available_part(suite: str) -> tuple[list[str], list[str]]:
    """The tasks of a suite that there are, and those that are not available yet."""
    known, members = _task_files(), _members(suite)
    return [task for task in members if task in known], [task for task in members if task not in known]


def tasks_of(settings: EvaluationSection, model: str) -> tuple[list[str], list[str]]:
    """The tasks of a recipe (its suite, or the one that fits the model), and those of it that there are not yet."""
    if settings.suite is not None:
        return resolve_suite(settings.suite), []
    return available_part(SUITES.get(model, "reasoning"))


def _members(name: str) -> list[str]:
    suites = _suites()
    if name not in suites:
        return [name]
    return [task for member in suites[name] for task in _members(member)]


def read_card(path: Path) -> TaskCard:
    """One `task.yaml`. Raises `InputError` that names the file, and the line where it does not parse."""
    config = read_yaml(path)
    for key in ("task", "test_split", "doc_to_text", "doc_to_target", "generation_kwargs", "metadata"):
        if key not in config:
            raise InputError(f"task file {path}: '{key}' is missing")
    if config["task"] != path.parent.name:
        raise InputError(f"task file {path}: task '{config['task']}' must be called like its folder")
    if not isinstance(config["generation_kwargs"], dict) or "max_gen_toks" not in config["generation_kwargs"]:
        raise InputError(f"task file {path}: 'generation_kwargs.max_gen_toks' is missing")
    try:
        facts = validate(TaskFacts, config.pop("metadata"), "metadata")
    except InputError as error:
        raise InputError(f"task file {path}: {error}") from None
    if facts.grader == "named" and facts.options is None:
        raise InputError(
            f"task file {path}: 'metadata.options' must name the column with the names to choose from"
        )
    return TaskCard(name=config["task"], config=config, facts=facts, path=path)


@cache
def _task_files() -> dict[str, Path]:
    """Task name → its file. The packages behind the entry points are folders of task folders."""
    found: dict[str, Path] = {}
    for plugin in registry.names("tasks"):
        package = registry.load("tasks", plugin)
        for path in sorted(Path(str(files(package))).glob("*/task.yaml")):
            name = path.parent.name
            if name in found:
                raise InputError(f"two tasks are called '{name}': {found[name]} and {path}")
            found[name] = path
    return found


@cache
def _suites() -> dict[str, list[str]]:
    """Suite → its members, of every package of tasks that has a `suites.yaml`."""
    found: dict[str, list[str]] = {}
    for plugin in registry.names("tasks"):
        path = Path(str(files(registry.load("tasks", plugin)))) / "suites.yaml"
        for name, members in (read_yaml(path) if path.exists() else {}).items():
            if name in found or name in _task_files():
                raise InputError(f"{path}: there is a suite or a task called '{name}' already")
            if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
                raise InputError(f"{path}: suite '{name}' must be a list of names of tasks and suites")
            found[name] = members
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    from genius_bench.plain_yaml import read

    content = read(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} line 1: a mapping is expected, not a {type(content).__name__}")
    return content
