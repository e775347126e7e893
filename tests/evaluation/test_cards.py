"""Task files and suites: what is there, and how a broken one is told."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from genius_bench import registry
from genius_bench.errors import InputError
from genius_bench.evaluation import cards
from genius_bench.evaluation.cards import available_tasks, read_card, resolve_suite, task_card

GOOD = {
    "task": "example",
    "dataset_path": "someone/example",
    "test_split": "test",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"until": [], "max_gen_toks": 10},
    "metadata": {
        "version": 1,
        "grader": "number",
        "columns": ["question", "answer"],
        "expected_items": 2,
        "licence": "MIT",
        "source": "https://example.org",
    },
}


def write(folder: Path, text: str, name: str = "example") -> Path:
    path = folder / name / "task.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_tasks_are_there_and_complete() -> None:
    found = {card.name: card for card in available_tasks()}
    assert {"gsm8k", "math", "math500", "arc_challenge"} <= set(found)
    assert set(resolve_suite("lab")) <= set(found)
    assert (found["gsm8k"].shots, found["math"].shots, found["arc_challenge"].shots) == (4, 8, 0)
    for card in found.values():
        assert len(card.facts.examples) == card.shots
        assert card.config["output_type"] == "generate_until"
        pinned = card.config.get("dataset_kwargs", {}).get("revision")
        assert card.facts.items or (pinned and len(pinned) == 40)


def test_suites_resolve_and_say_what_is_missing() -> None:
    assert len(resolve_suite("lab")) == 7
    assert resolve_suite(" gsm8k, lab_words ,gsm8k") == ["gsm8k", "lab_words"]
    with pytest.raises(InputError, match="unknown task 'gsm8': did you mean 'gsm8k'"):
        resolve_suite("gsm8")
    with pytest.raises(InputError, match="no task named"):
        resolve_suite(" , ")
    for suite, members in cards._suites().items():
        absent = [task for task in cards._members(suite) if task not in cards._task_files()]
        if absent:
            with pytest.raises(
                InputError, match=f"suite '{suite}' names tasks not available yet: {absent[0]}"
            ):
                resolve_suite(suite)
        else:
            assert resolve_suite(suite)
        assert members


def test_a_good_file_reads(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, yaml.safe_dump(GOOD)))
    assert (card.name, card.max_tokens, card.split, card.shots) == ("example", 10, "test", 0)


def test_broken_yaml_names_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, "task: example\ntest_split: [test\ndoc_to_text: x\n")
    with pytest.raises(InputError) as caught:
        read_card(path)
    assert str(path) in str(caught.value)
    assert "line 3" in str(caught.value)
    with pytest.raises(InputError, match="line 1: a mapping is expected, not a list"):
        read_card(write(tmp_path, "- 1", name="other"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"doc_to_text": None, "test_split": None}, "'test_split' is missing"),
        ({"task": "another"}, "must be called like its folder"),
        ({"generation_kwargs": {}}, "'generation_kwargs.max_gen_toks' is missing"),
        ({"metadata": GOOD["metadata"] | {"grader": "nubmer"}}, "metadata.grader = 'nubmer'"),  # type: ignore[operator]
        ({"metadata": GOOD["metadata"] | {"licens": "MIT"}}, "did you mean 'licence'"),  # type: ignore[operator]
    ],
)
def test_wrong_content_names_file_and_key(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    content = {key: value for key, value in (GOOD | change).items() if value is not None}
    path = write(tmp_path, yaml.safe_dump(content))
    with pytest.raises(InputError) as caught:
        read_card(path)
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_third_party_package_brings_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "their_tasks"
    write(package, yaml.safe_dump(GOOD))
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    ours = registry._group("tasks")
    theirs = {"theirs": EntryPoint("theirs", "their_tasks", "genius_bench.tasks")}
    monkeypatch.setattr(registry, "_group", lambda kind: ours | theirs)
    cards._task_files.cache_clear()
    try:
        assert task_card("example").path == package / "example" / "task.yaml"
        assert resolve_suite("example") == ["example"]
    finally:
        cards._task_files.cache_clear()
        sys.modules.pop("their_tasks", None)
