"""A store and two tiny policies: one plain, one with tied embeddings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genius_bench.artifacts import Store

from .launched import install_plugin
from .support import save_policy


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_policy("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_policy("qwen2", tmp_path_factory.mktemp("qwen2"))


@pytest.fixture(scope="module")
def halting_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The objective `halting` (`launched.PLUGIN`), for as long as a module of tests runs."""
    with pytest.MonkeyPatch.context() as patch:
        install_plugin(tmp_path_factory.mktemp("plugin"), patch)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")
