"""`genius-bench new`: every kind is laid down whole under its own name, and bad names are one line."""

import ast
import tomllib
from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.cli import main
from genius_bench.evaluation.cards import read_card
from genius_bench.starting import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_of_every_kind(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new", kind, "my-first", "--into", str(tmp_path)])
    said = capsys.readouterr().out
    folder = tmp_path / "my-first"
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert all(str(path) in said for path in texts)
    assert not any("example" in text.lower() for text in texts.values())
    metadata = tomllib.loads(texts[folder / "pyproject.toml"])
    [(group, points)] = metadata["project"]["entry-points"].items()
    assert group.removeprefix("genius_bench.") in registry.GROUPS
    assert list(points) == ["my-first"]
    module, _, attribute = points["my-first"].partition(":")
    place = folder / module.replace(".", "/")
    if group == "genius_bench.tasks":
        assert read_card(place / "my_first" / "task.yaml").name == "my_first"
        assert metadata["tool"]["setuptools"]["package-data"] == {"*": ["**/*.yaml"]}
    else:
        tree = ast.parse(texts[place.with_suffix(".py")])
        assert attribute in {getattr(statement, "name", "") for statement in tree.body}
        assert "tool" not in metadata


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["metod", "mine"], "did you mean 'method'"),
        (["method", "Mine"], "in small letters"),
        (["method", "../mine"], "in small letters"),
        (["method", "class"], "cannot be a package's name"),
        (["method", "genius"], "there is a method 'genius' already"),
        (["engine", "json"], "there is a Python module 'json' already"),
        (["corpus", "there"], "exists already"),
    ],
)
def test_bad_names(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["new", *arguments, "--into", str(tmp_path)])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
