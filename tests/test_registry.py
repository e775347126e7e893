"""Plug-ins are found by name, ours and a third party's alike; the package lists match the folders."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.errors import InputError
from tests.plugins.installed import with_plugins

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", sorted(registry.GROUPS))
def test_an_unknown_name_is_told_with_the_kinds_own_word(kind: str) -> None:
    with pytest.raises(InputError, match=rf"unknown {registry.GROUPS[kind]} 'nothing-like-it'"):
        registry.load(kind, "nothing-like-it")


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(InputError, match="did you mean 'magpie'"):
        registry.load("corpora", "magpi")


def test_a_plugin_that_cannot_be_imported_is_one_line(tmp_path: Path) -> None:
    metadata = tmp_path / "broken-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[genius_bench.methods]\nbroken = no_such_module:Method\n")
    code = (
        "from genius_bench import registry, errors\n"
        "try: registry.load('methods', 'broken')\n"
        "except errors.GeniusBenchError as error: print(error)"
    )
    said = with_plugins(tmp_path, code)
    assert (
        said == "method 'broken' (no_such_module:Method) cannot be loaded: No module named 'no_such_module'"
    )


def test_listed_packages_are_the_folders_on_disk() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    on_disk = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("genius_bench", "trainers")
        for path in (ROOT / top).rglob("__init__.py")
    }
    on_disk |= {
        f"genius_bench.{name}"
        for name in ("examples", "tasks", "leaderboards")
        if (ROOT / name / "__init__.py").exists()
    }
    assert sorted(listed) == sorted(on_disk)


@pytest.mark.parametrize(
    "package", ["genius_bench.examples", "genius_bench.tasks", "genius_bench.leaderboards"]
)
def test_data_packages_are_read_through_importlib(package: str) -> None:
    assert files(package).joinpath("__init__.py").is_file()


def test_every_entry_point_of_ours_names_something_that_exists() -> None:
    for kind in registry.GROUPS:
        for name in registry.names(kind):
            registry.load(kind, name)
