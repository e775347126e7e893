import pytest

from genius_bench import http_client


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr(http_client, "FIRST_PAUSE", 0.01)
