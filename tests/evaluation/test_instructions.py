"""IFEval through our stage: lm-eval's own checks on answers whose verdicts follow from the instructions."""

import json
from pathlib import Path
from typing import Any

import pytest

from genius_bench.errors import InputError
from genius_bench.evaluation import graders
from genius_bench.evaluation.cards import resolve_suite, task_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.generations import described_item
from genius_bench.evaluation.graders import instructions
from genius_bench.evaluation.scoring import graded_item
from genius_bench.evaluation.verifying import verify

nltk = pytest.importorskip("nltk")
pytest.importorskip("langdetect", reason="needs the package langdetect")
pytest.importorskip("immutabledict", reason="needs the package immutabledict")

Instruction = tuple[str, dict[str, Any]]
"""Name and arguments."""
SEEN_IN_PUBLISHED_ROWS = {"num_sections": None, "keyword": None}
"""On the hub every set of arguments has all keys."""


@pytest.fixture(autouse=True)
def sentences(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NLTK's data in a folder of its own, without any abbreviation: what a download would have put there."""
    folder = tmp_path_factory.mktemp("nltk")
    english = folder / "tokenizers" / instructions.SENTENCES / "english"
    english.mkdir(parents=True)
    for name in ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab"):
        (english / name).write_text("")
    monkeypatch.setattr(nltk.data, "path", [str(folder)])
    return folder


def write(folder: Path, *asked: Instruction, prompt: str = "Write.") -> None:
    row = {
        "key": 1,
        "prompt": prompt,
        "instruction_id_list": [name for name, _ in asked],
        "kwargs": [SEEN_IN_PUBLISHED_ROWS | arguments for _, arguments in asked],
    }
    (folder / "ifeval").mkdir(exist_ok=True)
    (folder / "ifeval" / "train.jsonl").write_text(json.dumps(row))


def verdict(folder: Path, text: str, *asked: Instruction) -> graders.Verdict:
    write(folder, *asked)
    card = task_card("ifeval")
    [row] = load_items(card, str(folder)).rows
    item = graded_item(described_item(card, "1", row), None)
    [found] = graders.grade("instructions", [(text, item)])
    return found


WORDS: Instruction = ("length_constraints:number_words", {"relation": "at least", "num_words": 4})
SENTENCES: Instruction = (
    "length_constraints:number_sentences",
    {"relation": "less than", "num_sentences": 3},
)
BULLETS: Instruction = ("detectable_format:number_bullet_lists", {"num_bullets": 2})
NO_COMMA: Instruction = ("punctuation:no_comma", {})
JSON: Instruction = ("detectable_format:json_format", {})
ENGLISH_CAPITALS: Instruction = ("change_case:english_capital", {})
GERMAN: Instruction = ("language:response_language", {"language": "de"})


@pytest.mark.parametrize(
    ("asked", "right", "wrong"),
    [
        ([WORDS], "One two three four.", "One two three."),
        ([SENTENCES], "It snows. It is cold.", "It snows. It is cold. Stay in."),
        ([BULLETS], "* one\n* two", "* one\n* two\n* three"),
        ([NO_COMMA], "No pause here.", "Here, a pause."),
        ([JSON], '```json\n{"a": 1}\n```', "{a: 1}"),
        ([JSON], "[[]]", "[" * 5000),
        ([ENGLISH_CAPITALS], "THE WEATHER IS COLD TODAY AND IT WILL SNOW.", "The weather is cold today."),
        (
            [GERMAN],
            "Das Wetter ist heute kalt und es wird schneien.",
            "The weather is cold and it will snow.",
        ),
        ([NO_COMMA], "<think>Well, now, then</think>Yes.", "<think>No</think>Yes, yes."),
    ],
)
def test_verdicts_follow_from_the_instructions(
    asked: list[tuple[str, dict[str, Any]]], right: str, wrong: str, tmp_path: Path
) -> None:
    assert verdict(tmp_path, right, *asked) == graders.Verdict("followed", True)
    assert verdict(tmp_path, wrong, *asked) == graders.Verdict(f"not {asked[0][0]}", False)


def test_an_answer_counts_when_it_follows_all_and_the_first_that_it_does_not_is_told(tmp_path: Path) -> None:
    assert verdict(tmp_path, "* one two\n* three four", BULLETS, NO_COMMA, WORDS).correct
    assert (
        verdict(tmp_path, "* one, two\n* three", BULLETS, NO_COMMA, WORDS).extracted == f"not {NO_COMMA[0]}"
    )
    assert not verdict(tmp_path, "", NO_COMMA).correct, "nothing follows nothing"
    assert graders.vote("instructions", "followed") == ""


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            [("keywords:rhymes", {})],
            r"column 'instruction_id_list': 'keywords:rhymes' is no instruction that",
        ),
        ([(WORDS[0], {"relation": "about", "num_words": 4})], rf"'{WORDS[0]}' cannot be checked: "),
        ([], r"cannot be read: 0 instructions with 0 sets of arguments"),
    ],
)
def test_rows_that_no_check_fits_are_refused(
    asked: list[tuple[str, dict[str, Any]]], said: str, tmp_path: Path
) -> None:
    write(tmp_path, *asked)
    with pytest.raises(InputError, match=rf"^task 'ifeval': row 1 of split 'train'.*{said}"):
        load_items(task_card("ifeval"), str(tmp_path))


def test_what_is_missing_is_told_instead_of_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert graders.not_gradable("instructions") is None
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    assert "python -m nltk.downloader punkt_tab" in str(graders.not_gradable("instructions"))
    monkeypatch.setattr(instructions, "PACKAGES", ("nltk", "no_such_package"))
    assert "need no_such_package: pip install 'genius-bench[ifeval]'" in str(instructions.obstacle())


def test_the_task_is_a_suite_of_its_own_and_groups_its_instructions(tmp_path: Path) -> None:
    assert resolve_suite("regression") == ["ifeval"]
    write(tmp_path, WORDS, SENTENCES, NO_COMMA)
    card = task_card("ifeval")
    [row] = load_items(card, str(tmp_path)).rows
    assert described_item(card, "1", row)["slices"] == ["length_constraints", "punctuation"]
    assert verify(card, str(tmp_path)).note == "the data holds instructions but no answers that follow them"
