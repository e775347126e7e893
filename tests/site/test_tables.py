"""What a reader does with the tables: columns, orders, links, files; and what stands there when nothing fits."""

import csv
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from genius_bench.reporting.numbers import rounded

from .conftest import PLAN, graded, open_page
from .test_building import data_of
from .test_pages import found, runs_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def download(page: "Page", button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).first.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_the_first_line_is_the_finding_and_the_counts_are_small(page: "Page", site: Path) -> None:
    board = data_of(site, "site")["groups"][0]["boards"][0]
    open_page(page, site)
    best = max((row for row in board["rows"] if row["seeds"] > 1), key=lambda row: row["average_gain"][0])
    gain = " ".join(f"{part:+.1f}" for part in best["average_gain"][:3]).replace("-", "−").split()
    said = page.inner_text("h1").replace("\u00a0", " ")
    assert said.endswith(f"{best['label']} {gain[0]} [{gain[1]}, {gain[2]}] over lab")
    size = "(one) => parseFloat(getComputedStyle(document.querySelector(one)).fontSize)"
    assert page.evaluate(size, ".counts") < page.evaluate(size, "h1") / 1.5
    assert "6 runs · 7 models · 2 tasks" in page.inner_text(".counts")


def test_numbers_are_rounded_as_the_terminal_rounds_them(page: "Page", site: Path) -> None:
    chance = random.Random(0)
    values = [100 * chance.randrange(801) / 800 for _ in range(500)]
    values += [-0.04, 0.05, 0.25, 0.35, 62.75, 52.25, 62.74999999999999, -0.25]
    open_page(page, site)
    shown = page.evaluate("(values) => values.map((one) => Numbers.fixed(one))", values)
    for value, text in zip(values, shown, strict=True):
        assert text == f"{rounded(value):.1f}".replace("-", "−"), value


def test_columns_and_orders_stay_in_the_address(page: "Page", site: Path) -> None:
    open_page(page, site)
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_label("Gain", exact=True).uncheck()
    page.locator("table.models thead button").first.click()
    page.get_by_label("Filter models").fill("genius")

    def state() -> tuple[Any, ...]:
        shown = page.locator("table.models thead th:visible").all_inner_texts()
        return shown, page.locator("table.models tbody th").all_inner_texts()

    before = state()
    assert not any("Gain" in label for label in before[0])
    assert before[1] == sorted(before[1])
    assert all("genius" in name for name in before[1])
    page.reload()
    page.wait_for_selector("table.models tbody th")
    assert state() == before


def test_a_table_is_taken_away_as_a_file(page: "Page", site: Path, tmp_path: Path) -> None:
    rows = data_of(site, "site")["groups"][0]["boards"][0]["rows"]
    single = {row["label"]: row for row in rows if row["seeds"] == 1}
    open_page(page, site, "#/?rows=single")
    with download(page, "CSV", tmp_path).open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["Model"] for line in lines} == single.keys()
    for line in lines:
        row = single[line["Model"]]
        assert [float(line[f"Average{part}"]) for part in ("", " low", " high")] == pytest.approx(
            row["average"]
        )
        if row["average_gain"]:
            parts = [float(line[f"Gain{part}"]) for part in ("", " low", " high", " p")]
            assert parts == pytest.approx(row["average_gain"], abs=1e-6)


def test_a_file_holds_no_formulas(page: "Page", site: Path, tmp_path: Path) -> None:
    """A spreadsheet would run them, whoever wrote them."""
    open_page(page, site)
    with page.expect_download() as waiting:
        page.evaluate(
            """() => Downloads.csv("x", [{ label: "=1", value: (one) => one }], ["=HYPERLINK(0)", "@x", 'a"b', -1])"""
        )
    waiting.value.save_as(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["'=1"], ["'=HYPERLINK(0)"], ["'@x"], ['a"b'], ["-1"]]


def test_a_gain_opens_on_what_changed(page: "Page", site: Path, home: Path) -> None:
    run, task = runs_of(home)[2], PLAN.task_names[0]
    model, base = run["checkpoints"][0]["fingerprint"][:12], run["base_fingerprint"][:12]
    correct = {(r["task"], r["item_id"], r["repeat"], r["model"]): r["correct"] for r in graded(home)}
    changed = [key[0] for key in correct if key[3] == model and correct[key] != correct[(*key[:3], base)]]
    open_page(page, site, "#/?rows=single")
    page.locator(f"#model-{model} td a[href*='show=changed']").click()
    page.wait_for_selector(".list-row")
    found(page, len(changed))
    open_page(
        page,
        site,
        f"#/run/{next(one['file'] for one in data_of(site, 'site')['runs'] if one['id'] == run['id'])[5:]}",
    )
    page.locator(f"a.gain-line[href*='task={task}']").click()
    page.wait_for_selector(".list-row")
    found(page, changed.count(task))


def test_where_nothing_fits_words_say_so(page: "Page", site: Path) -> None:
    open_page(page, site, "#/?filter=zzz")
    assert page.inner_text("table.models tbody") == "No model is called so."
    open_page(page, site, "#/runs?filter=zzz")
    assert "No run has these words" in page.inner_text("table.runs tbody")
    open_page(page, site, f"#/samples?task={PLAN.task_names[0]}&show=wrong&search=zzz")
    page.wait_for_selector(".list-empty p")
    assert (
        page.inner_text(".list-empty p")
        == f"There are no answers of {PLAN.task_names[0]} that are wrong with “zzz”."
    )
    page.get_by_role("button", name="Show all answers").click()
    page.wait_for_selector(".list-row")
    assert page.locator(".list-empty p").count() == 0


def test_on_a_phone_the_score_stands_beside_its_task(page: "Page", site: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, site)
    row = page.locator("table.models tbody tr").nth(1)
    assert row.locator("[data-label]").count() > PLAN.tasks
    for cell in row.locator("td:visible").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    labels = page.evaluate(
        """() => [...document.querySelectorAll("table.models tbody tr:nth-child(2) td")]
            .map((one) => getComputedStyle(one, "::before").content)"""
    )
    assert {json.dumps(task) for task in PLAN.task_names} <= set(labels)


def test_a_cut_edge_fades_and_the_first_column_stays(page: "Page", site: Path) -> None:
    page.set_viewport_size({"width": 700, "height": 800})
    open_page(page, site)
    region = page.locator(".scroller:has(table.models)")
    assert re.search(r"\bcut-right\b", region.get_attribute("class") or "")
    left = "() => document.querySelector('table.models tbody th').getBoundingClientRect().left"
    before = page.evaluate(left)
    region.evaluate("(one) => { one.scrollLeft = one.scrollWidth; }")
    page.wait_for_function("() => document.querySelector('.scroller').classList.contains('cut-left')")
    assert not re.search(r"\bcut-right\b", region.get_attribute("class") or "")
    assert page.evaluate(left) == before
