"""A judge that runs here. The lab's model knows nothing of verdicts: they all fail, and are counted."""

import shutil
from pathlib import Path

import pytest

from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import EngineLostError, InputError
from genius_bench.judging import local
from genius_bench.judging.comparison import compare
from genius_bench.judging.judge import open_judge
from genius_bench.judging.local import LocalModel
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection, JudgeSection
from tests.judging.cases import questions, silent

SECTION = JudgeSection(model="lab", max_tokens=8)


@pytest.mark.slow
def test_the_lab_model_judges_from_end_to_end(tmp_path: Path) -> None:
    judge = open_judge(SECTION, tmp_path, EngineSection())
    found = compare(judge, questions(2), silent)
    judge.close()
    assert judge.name == "lab"
    assert [(one.value, one.failures, one.errors) for one in found] == [(None, 2, ("", ""))] * 2
    assert all(one.completion_tokens > 0 and one.prompt_tokens > 100 for one in found)
    again = compare(open_judge(SECTION, tmp_path, EngineSection()), questions(2), silent)
    assert [one.reused for one in again] == [2, 2]
    assert [one.raw for one in again] == [one.raw for one in found]


def test_the_checkpoints_engine_and_template_are_not_the_judges(tmp_path: Path) -> None:
    plain = LocalModel(SECTION, EngineSection())
    assert LocalModel(SECTION, EngineSection(chat_template="plain")).identity == plain.identity
    assert LocalModel(SECTION, EngineSection(name="openai")).identity == plain.identity
    assert LocalModel(SECTION, EngineSection(precision="bfloat16")).identity != plain.identity


def test_a_folder_is_named_by_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "judge"
    shutil.copytree(MODEL_PATH, folder)
    section = JudgeSection(model=str(folder))
    before = LocalModel(section, EngineSection())
    (folder / "generation_config.json").write_text('{"eos_token_id": 1}')
    after = LocalModel(section, EngineSection())
    assert before.name.startswith("judge-")
    assert before.name != after.name
    assert before.identity != after.identity


def test_the_death_of_its_engine_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing can be asked again; as failures they would be counted."""

    class Dying(HFEngine):
        async def generate(self, request: Request) -> Completion:
            raise EngineLostError("gone")

    monkeypatch.setattr(
        local, "open_engine", lambda model, section: Dying(model.path, EngineSection(device="cpu"))
    )
    judge = open_judge(SECTION, tmp_path, EngineSection())
    with pytest.raises(EngineLostError, match="gone"):
        compare(judge, questions(2), silent)
    judge.close()


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model at"):
        open_judge(JudgeSection(model="./nowhere"), tmp_path, EngineSection())


def test_a_prompt_that_does_not_fit_is_one_failure(tmp_path: Path) -> None:
    judge = open_judge(SECTION, tmp_path, EngineSection())
    short, too_long = compare(judge, [*questions(1), *questions(1, "word " * 5000)], silent)
    judge.close()
    assert short.errors == ("", "")
    assert all("InputError" in error for error in too_long.errors)
