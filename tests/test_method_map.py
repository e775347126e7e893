"""docs/methods.md and `genius-bench methods`: what they say is what the plug-ins say."""

import json
import re
from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.cli import main
from genius_bench.errors import InputError
from genius_bench.method_map import method_facts, rewritten

PAGE = (Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8")
OURS = [one["name"] for one in method_facts() if one["group"] != "others"]


def test_the_generated_part_of_the_page_is_what_the_plug_ins_say_now() -> None:
    assert rewritten(PAGE) == PAGE, "run: python -m genius_bench.method_map docs/methods.md"
    with pytest.raises(InputError, match="no generated part"):
        rewritten("# Methods")


@pytest.mark.parametrize("name", OURS)
def test_every_method_has_a_part_written_by_hand(name: str) -> None:
    [section] = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert [
        line.partition("**")[2].partition("**")[0] for line in section.splitlines() if line.startswith("- ")
    ] in (
        ["Signal", "Fails where", "On the lab"],
        ["Signal", "Read it as", "On the lab"],
    )


def test_listings_fit_a_screen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All methods by group, or a group with what its methods need and cost."""
    monkeypatch.setenv("COLUMNS", "80")
    groups = dict.fromkeys(one["group"] for one in method_facts())
    assert list(groups)[:4] == ["paper", "offline", "online", "controls"]
    said = {}
    for group in ("", *groups):
        main(["methods", *([group] if group else [])])
        said[group] = capsys.readouterr().out.splitlines()
        assert len(said[group]) <= 24
        assert max(map(len, said[group])) <= 80
    assert set(re.findall(r"[\w-]+", " ".join(said.pop("")))) >= {*registry.names("methods"), *groups}
    rows = [line.split() for lines in said.values() for line in lines[1:]]
    assert [row[0] for row in rows] == [one["name"] for one in method_facts()]
    assert [row for row in rows if row[0] == "rest-em"] == [
        ["rest-em", "answers", "3", "96", "0", "30", "62"]
    ], "3 rounds of 32 drawn and 10 kept: 96/3 + 30"
    with pytest.raises(SystemExit, match="2"):
        main(["methods", "onlin"])
    assert "online" in capsys.readouterr().err


def test_facts_are_those_of_the_defaults_and_name_variants_that_need_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["methods", "--json"])
    facts = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert facts["star"]["needs"] == ["queries"]
    assert facts["star"]["needs_of_variants"] == {"original": ["answers"]}
    assert facts["self-explore"]["objective"] == "sft, dpo"
    assert facts["sft"]["cost"] == 1
    assert facts["meta-rewarding"]["judged"] == 4 * 7 * 11 + 2 * 11 * 10
    assert facts["lmsi"]["what"].startswith("Draws reasoning paths")
