"""The home that a command is given is that of all its processes, and nobody's afterwards."""

import os
from pathlib import Path

import pytest

from genius_bench.cli import main
from genius_bench.home import VARIABLE, choose, chosen_within, home
from genius_bench.processes import in_own_process


def test_stages_have_the_home_of_their_command_though_they_share_a_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with chosen_within():
            choose(tmp_path / name)
            assert in_own_process(home) == tmp_path / name


@pytest.mark.parametrize("before", [None, "/anywhere"])
def test_a_commands_home_ends_with_it(
    before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if before:
        monkeypatch.setenv(VARIABLE, before)
    seen: list[Path] = []

    def find() -> Path:
        seen.append(home())
        return Path("found")

    monkeypatch.setattr("genius_bench.engines.smollm2.find", find)
    main(["setup", "smollm2", "--home", str(tmp_path)])
    assert seen == [tmp_path]
    assert os.environ.get(VARIABLE) == before
