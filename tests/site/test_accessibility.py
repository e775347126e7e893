"""Every page by axe-core, in both themes: nothing serious or critical, contrast and links in texts among it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import open_page
from .test_building import data_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")


def addresses(site: Path) -> list[str]:
    names = [path.stem for path in (site / "data" / "runs").glob("*.js")][:2]
    name = names[0]
    return [
        *("", "#/boards", "#/boards/genius-paper/1", "#/runs", "#/samples", "#/nowhere"),
        *(
            f"#/run/{name}",
            f"#/queries/{name}/1",
            f"#/queries/{name}/1/0",
            f"#/compare?runs={'+'.join(names)}",
        ),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave_on_any_page(page: "Page", site: Path, theme: Any) -> None:
    page.emulate_media(color_scheme=theme)
    for address in addresses(site):
        open_page(page, site, address)
        assert found(page) == [], address
    open_page(page, site)
    page.get_by_text("Columns", exact=True).first.click()
    assert found(page) == [], "the choice of columns"
    base = next(one["id"] for one in data_of(site, "site")["models"] if not one["base"])
    for view in ("", "arranged", "differences"):
        open_page(page, site, f"#/samples?view={view}&show=changed&against={base}")
        page.locator(".list-row").first.click()
        page.wait_for_selector(".sample .side")
        assert found(page) == [], f"a sample {view}"
    page.keyboard.press("?")
    assert found(page) == [], "the help"


def test_what_is_long_can_be_read_without_a_mouse(page: "Page", hostile_site: Path) -> None:
    """No part scrolls that has no place among what the keyboard reaches."""
    page.set_viewport_size({"width": 900, "height": 400})
    for view in ("", "arranged"):
        open_page(page, hostile_site, f"#/samples?search={'x' * 200}&view={view}")
        page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'")
        page.locator(".list-row").first.click()
        page.wait_for_selector(".sample .side")
        assert found(page) == [], view


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
