"""Every page by axe-core, in both themes: nothing serious or critical, contrast and links in texts among it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")


def addresses(site: Path) -> list[str]:
    name = next((site / "data" / "runs").glob("*.js")).stem
    return [
        *("", "#/boards", "#/boards/genius-paper/1", "#/runs", "#/samples", "#/nowhere"),
        *(f"#/run/{name}", f"#/queries/{name}/1", f"#/queries/{name}/1/0"),
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave_on_any_page(page: "Page", site: Path, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    for address in addresses(site):
        open_page(page, site, address)
        assert found(page) == [], address
    open_page(page, site, "#/samples")
    page.locator(".list-row").first.click()
    page.wait_for_selector(".sample .side")
    assert found(page) == [], "a sample"
    page.keyboard.press("?")
    assert found(page) == [], "the help"


def found(page: "Page") -> list[str]:
    """What axe says of the page as it is: rule and element. Its styles are read where they are, not asked for anew."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    page.wait_for_timeout(200)
    violations = axe.Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in violations
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
