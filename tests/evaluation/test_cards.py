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
from genius_bench.evaluation.protocols import answers_wanted, by_opencompass, protocols
from genius_bench.recipe import EvaluationSection

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


SHOTS = {
    "gsm8k": [4, 4, 8],
    "math": [8, 8, 4],
    "logiqa": [0, 0, 4],
    "reclor": [0, 0, 4],
    "arc_challenge": [0, 0, 0],
}
"""Under strict, paper, released: what paper and release say of themselves (D33)."""


def test_the_tasks_are_there_and_complete() -> None:
    found = {card.name: card for card in available_tasks()}
    assert {"gsm8k", "math", "math500", "arc_challenge"} <= set(found)
    assert set(resolve_suite("lab")) <= set(found)
    assert (found["gsm8k"].shots, found["math"].shots, found["arc_challenge"].shots) == (4, 8, 0)
    assert (found["aime24"].facts.samples, found["alpaca_eval"].facts.samples) == (32, 0)
    for card in (one.under(protocol) for one in found.values() for protocol in protocols()):
        assert len(card.facts.examples) >= card.shots or card.name == "reclor", (
            "no train split was ever at hand"
        )
        assert card.config["output_type"] == "generate_until"
        pinned = card.config.get("dataset_kwargs", {}).get("revision", "")
        never_at_hand = {"reclor", "gpqa", "wildbench", "wikibench", "livecodebench"}
        assert card.facts.items or len(pinned) == 40 or card.facts.fingerprint or card.name in never_at_hand


def test_every_benchmark_of_the_paper_is_there() -> None:
    """By the numbers of items that the paper's scores are multiples of (facts about the data, not our files)."""
    items: dict[str, int | None] = {
        "gsm8k": 1319,
        "math": 5000,
        "reclor": 500,
        "logiqa": 651,
        "strategyqa": 2290,
        "gpqa": 448,
    }
    items |= {"arc_challenge": 1172, "aime24": 30, "mmlu": 14042, "mmlu_pro": 12032, "mbpp": 500}
    items |= {
        "livecodebench": 880,
        "alpaca_eval": 805,
        "arena_hard": 500,
        "wildbench": 1024,
        "wikibench": None,
    }
    assert {name: task_card(name).facts.expected_items for name in items} == items
    assert set(resolve_suite("all")) == set(items)


def test_protocols_differ_where_paper_and_release_do() -> None:
    shots = {
        name: [task_card(name).under(p).shots for p in ("strict", "paper", "released")] for name in SHOTS
    }
    assert shots == SHOTS
    released = task_card("gsm8k").under("released").config
    assert released["doc_to_text"].endswith("The reasoning steps are:")
    assert released["generation_kwargs"]["until"] == ["<end_of_reasoning>"]
    strict, aime = EvaluationSection(), task_card("aime24")
    assert answers_wanted(aime, strict) == (True, 32)
    assert answers_wanted(task_card("gsm8k"), strict) == (True, 4)
    for protocol in ("paper", "released"):
        settings = EvaluationSection(protocol=protocol)
        assert answers_wanted(aime.under(protocol), settings) == (False, 1)
    with pytest.raises(InputError, match="no greedy answer"):
        answers_wanted(aime, EvaluationSection(protocol="paper", samples=0))


def test_general_benchmarks_go_to_opencompass_under_paper_only() -> None:
    general = [task_card(name) for name in resolve_suite("general")]
    paper = EvaluationSection(protocol="paper")
    assert all(by_opencompass(card, paper) for card in general)
    assert not any(by_opencompass(card, EvaluationSection()) for card in general)
    assert not any(
        by_opencompass(card, EvaluationSection(protocol="paper", runner="native")) for card in general
    )
    assert not by_opencompass(task_card("gsm8k"), paper)
    with pytest.raises(InputError, match="no OpenCompass benchmark"):
        by_opencompass(task_card("gsm8k"), EvaluationSection(runner="opencompass"))


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
        ({"metadata": GOOD["metadata"] | {"license": "MIT"}}, "did you mean 'licence'"),  # type: ignore[operator]
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
