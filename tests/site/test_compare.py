"""Several runs beside each other, and what leaves the page: charts as pictures, and paper."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import open_page
from .test_building import data_of
from .test_pages import runs_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def leaves(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= (
            leaves(inner, f"{above}{key}.") if isinstance(inner, dict) and inner else {above + key: inner}
        )
    return found


def test_runs_are_chosen_and_stand_beside_each_other(page: "Page", site: Path, home: Path) -> None:
    runs = runs_of(home)
    two = [runs[1], runs[4]]
    open_page(page, site, "#/runs")
    for run in two:
        page.get_by_label(f"{run['id']} beside others").check()
    page.get_by_role("link", name="2 runs beside each other").click()
    page.wait_for_selector("table.differing")
    assert page.inner_text("h1") == "2 runs beside each other"

    board = data_of(site, "site")["groups"][0]["boards"][0]
    models = [run["checkpoints"][0]["fingerprint"][:12] for run in two]
    rows = [next(row for row in board["rows"] if row["models"] == [model]) for model in models]
    for task in board["tasks"]:
        line = page.locator("table.scores tbody tr", has=page.get_by_role("rowheader", name=task, exact=True))
        shown = line.locator("td .cell > :first-child").all_inner_texts()
        assert [float(text) for text in shown] == [
            pytest.approx(row["cells"][task][0], abs=0.0501) for row in rows
        ]
    recipes = [leaves(run["recipe"]) for run in two]
    keys = {key for key in recipes[0] | recipes[1] if recipes[0].get(key) != recipes[1].get(key)}
    assert {"method", "variant", "seed"} & keys
    assert set(page.locator("table.differing tbody th").all_inner_texts()) == keys
    seeds = page.locator(
        "table.differing tbody tr", has=page.get_by_role("rowheader", name="seed", exact=True)
    )
    if "seed" in keys:
        assert seeds.locator("td").all_inner_texts() == [str(run["recipe"]["seed"]) for run in two]
    assert page.locator(".lines .line").count() == 2


def test_what_differs_from_the_defaults_stands_before_the_recipe(page: "Page", site: Path) -> None:
    name = next((site / "data" / "runs").glob("*.js")).stem
    open_page(page, site, f"#/run/{name}")
    parts = page.locator(".recipe-part h3").all_inner_texts()
    assert parts[0] == "differs from the defaults"
    assert "variant" in page.inner_text(".differs")
    assert "weight_decay" not in page.inner_text(".differs")


def test_a_chart_is_taken_away_as_a_picture(page: "Page", site: Path, tmp_path: Path) -> None:
    open_page(page, site)
    box = page.locator(".chart svg").first.bounding_box()
    assert box is not None
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as PNG").first.click()
    waiting.value.save_as(tmp_path / "chart.png")
    content = (tmp_path / "chart.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (2 * round(box["width"]), 2 * round(box["height"]))
    assert len(set(content)) > 200  # a sheet of one colour is a few bytes again and again
    assert len(content) > 5000


def test_paper_has_light_colours_headings_and_all_curves(page: "Page", site: Path) -> None:
    page.emulate_media(color_scheme="dark")
    open_page(page, site)
    page.wait_for_selector("#curves .chart svg", state="attached")  # nobody scrolled there
    page.emulate_media(color_scheme="dark", media="print")
    colours = page.evaluate(
        "() => [document.body, document.querySelector('h1')].map((one) => getComputedStyle(one).color)"
    )
    assert all(sum(map(int, colour[4:-1].split(","))) < 150 for colour in colours)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#curves .chart svg").is_visible()
    assert "Average" in page.inner_text("table.models thead")
    assert not page.locator(".bar").is_visible()
    assert not page.get_by_label("Filter models").is_visible()
