"""A store and a tiny policy."""

from pathlib import Path

import pytest

from genius_bench.artifacts import Store
from tests.training.support import save_policy


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_policy("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")
