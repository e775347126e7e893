"""Building the site: damage is told and left out, nothing is written twice, and nobody else's folder is touched."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic_home import Plan, write_home
from genius_bench.cli import main
from genius_bench.errors import InputError
from genius_bench.integrity import seal
from genius_bench.site.building import build_site


def data_of(site: Path, name: str) -> Any:
    """What a data file hands to the page."""
    text = (site / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(json.loads(text[text.index(",") + 1 : text.rindex(")")]))


def files_of(site: Path) -> dict[str, tuple[int, int]]:
    """Every file with its inode and time: a file written again has others."""
    found = {path: path.stat() for path in site.rglob("*") if path.is_file()}
    return {str(path.relative_to(site)): (one.st_ino, one.st_mtime_ns) for path, one in found.items()}


def test_building_again_writes_only_what_is_new(tmp_path: Path) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    write_home(home, Plan(runs=2, tasks=1, items=5))
    build_site(home, site)
    before = files_of(site)
    build_site(home, site)
    after = files_of(site)
    assert {name for name in before if before[name] != after[name]} <= {
        "data/site.js"
    }  # it says when it was built
    assert before.keys() == after.keys()
    write_home(home, Plan(runs=3, tasks=1, items=5))
    build_site(home, site)
    grown = files_of(site)
    queries = {name for name in before if name.startswith("data/queries/")}
    assert all(grown[name] == before[name] for name in queries)
    assert len(data_of(site, "site")["runs"]) == 3
    packs = {pack["file"] for pack in data_of(site, "answers")}
    there = {path.name for path in (site / "data" / "answers").iterdir()}
    assert there == {
        f"{Path(pack).name}-{part}.js" for pack in packs for part in ("verdicts", "texts", "prompts")
    }  # no old ones


def test_what_is_damaged_is_left_out_with_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    write_home(home, Plan(runs=5, tasks=2, items=5))
    build_site(home, tmp_path / "whole")
    files = sorted((home / "runs").glob("*.json"))
    runs = [json.loads(path.read_text()) for path in files]
    store = home / "artifacts"
    cut = store / "scores" / runs[0]["evaluations"][1]["scores"]["synthetic_0"] / "rows" / "00000.parquet"
    cut.write_bytes(cut.read_bytes()[:200])
    (store / "checkpoint" / runs[1]["checkpoints"][0]["key"] / "manifest.json").write_text("{")
    (store / "checkpoint" / runs[2]["checkpoints"][0]["key"] / "trainer_log.json").write_text("[1, ")
    files[3].write_text('{"id": "broken"')
    shutil.rmtree(store / "collection")  # gone is no damage: there is no tree to show
    capsys.readouterr()
    site = build_site(home, tmp_path / "damaged")
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert len(told) == len(site.problems) >= 4
    for part in (runs[0]["evaluations"][1]["scores"]["synthetic_0"][:12], files[3].stem, "training log"):
        assert any(part in line for line in told), part
    page = data_of(tmp_path / "damaged", "site")
    assert page["problems"] == site.problems
    assert len(page["runs"]) == 4

    def cells(folder: str) -> dict[str, dict[str, Any]]:
        boards = [
            board for group in data_of(tmp_path / folder, "site")["groups"] for board in group["boards"]
        ]
        rows = [row for board in boards for row in board["rows"] if row["seeds"] == 1]
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            found.setdefault(row["models"][0], {}).update(row["cells"])
        return found

    whole, left = cells("whole"), cells("damaged")
    hurt = runs[0]["evaluations"][1]["fingerprint"][:12]
    assert "synthetic_0" not in left[hurt]
    gone = runs[3]["evaluations"][1]["fingerprint"][:12]
    assert whole.keys() - left.keys() == {gone}
    for model, numbers in left.items():  # everyone else's numbers are what they were
        assert numbers.items() <= whole[model].items()


def test_a_try_out_does_not_hide_the_board(tmp_path: Path) -> None:
    """It is the newest evaluation, but of the first items alone."""
    home = tmp_path / "home"
    write_home(home, Plan(runs=2, tasks=1, items=5))
    path = max((home / "runs").glob("*.json"))
    run = json.loads(path.read_text())
    run["evaluations"] += [one | {"settings": one["settings"] | {"limit": 3}} for one in run["evaluations"]]
    run["finished_at"] = "2999-01-01T00:00:00Z"
    path.write_text(json.dumps(seal(run)))
    build_site(home, tmp_path / "site")
    groups = data_of(tmp_path / "site", "site")["groups"]
    assert [group["settings"]["limit"] for group in groups] == [None, 3]


def test_a_folder_of_somebody_else_is_not_touched(home: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter 1")
    with pytest.raises(InputError, match="is not empty and holds no board"):
        build_site(home, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_home_without_runs_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["board", "--home", str(tmp_path / "none"), "--html", str(tmp_path / "site")])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: no runs in ")
    assert not (tmp_path / "site").exists()


def test_the_command_writes_a_site_with_the_boards_that_were_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["board", "--home", str(home), "--html", str(tmp_path / "site"), "--board", "lab"])
    assert "6 runs, 7 models" in capsys.readouterr().out
    assert [board["name"] for board in data_of(tmp_path / "site", "site")["leaderboards"]] == ["lab"]
    page = (tmp_path / "site" / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(?!assets/|#|data:image/)', page) == []
