"""Plug-ins are found by name, ours and a third party's alike; the package lists match the folders."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.errors import InputError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package as pip installs it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(ROOT / "tests" / "plugin_package", folder / "source")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        "--target",
        str(folder / "site"),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def with_plugin(plugin: Path, code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(plugin)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=True, cwd=plugin
    ).stdout.strip()


@pytest.mark.parametrize(
    ("kind", "name"), [("methods", "example-echo"), ("objectives", "example-hinge"), ("tasks", "example")]
)
def test_a_third_partys_plugins_are_listed_beside_ours(plugin: Path, kind: str, name: str) -> None:
    listed = with_plugin(
        plugin, f"from genius_bench import registry; print(*registry.names({kind!r}))"
    ).split()
    assert name in listed
    assert set(registry.names(kind)) <= set(listed)


def test_a_third_partys_objective_is_built_from_a_recipe(plugin: Path) -> None:
    code = (
        "from genius_bench.objectives.interface import build_objective as build;"
        "print(build({'name': 'example-hinge', 'beta': 0.5}).beta)"
    )
    assert with_plugin(plugin, code) == "0.5"


def test_a_third_partys_method_and_tasks_load(plugin: Path) -> None:
    code = (
        "from genius_bench import registry; from importlib.resources import files;"
        "print(registry.load('methods', 'example-echo').title,"
        "      files(registry.load('tasks', 'example')).joinpath('example_parity/task.yaml').is_file())"
    )
    assert with_plugin(plugin, code) == "Echo True"


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
    said = with_plugin(tmp_path, code)
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
        f"genius_bench.{name}" for name in ("tasks", "leaderboards") if (ROOT / name / "__init__.py").exists()
    }
    assert sorted(listed) == sorted(on_disk)


@pytest.mark.parametrize("package", ["genius_bench.tasks", "genius_bench.leaderboards"])
def test_data_packages_are_read_through_importlib(package: str) -> None:
    assert files(package).joinpath("__init__.py").is_file()


def test_every_entry_point_of_ours_names_something_that_exists() -> None:
    for kind in registry.GROUPS:
        for name in registry.names(kind):
            registry.load(kind, name)
