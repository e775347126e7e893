"""The board in a real Chromium: what it shows is what the store holds, and all of it works from the keyboard."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from genius_bench.site.serving import SiteServer

from .conftest import PLAN, graded, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def runs_of(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((home / "runs").glob("*.json"))]


def count_of(page: "Page") -> int:
    """How many answers the explorer says it has found."""
    words = page.inner_text(".search-line .count")
    return int(words.split(" of ")[0].replace(",", ""))


def found(page: "Page", number: int) -> None:
    page.wait_for_function(
        "(number) => document.querySelector('.search-line .count').textContent.startsWith(`${number} of `)",
        arg=f"{number:,}",
    )


def choose(page: "Page", label: str, value: str) -> None:
    page.get_by_label(label, exact=True).select_option(value)


def test_every_number_of_the_overview_is_the_store_s(page: "Page", site: Path, home: Path) -> None:
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in graded(home):
        if row["repeat"] > 0:
            right[row["model"], row["task"]].append(row["correct"])
    open_page(page, site)
    page.get_by_role("button", name="Every model").click()
    for (model, task), values in right.items():
        shown = page.inner_text(f"#model-{model} [data-task={task}] > :first-child")
        assert shown == f"{100 * sum(values) / len(values):.1f}"
    assert len(right) == (PLAN.runs + 1) * PLAN.tasks
    assert page.locator("table.models tbody tr").count() == PLAN.runs + 1


def test_tables_sort_by_mouse_and_by_key(page: "Page", site: Path) -> None:
    open_page(page, site)

    def averages() -> list[float]:
        return [float(text) for text in page.locator("table.models td.lead > :first-child").all_inner_texts()]

    first = averages()
    assert first == sorted(first, reverse=True)
    heading = page.locator("table.models thead th.lead")
    heading.get_by_role("button").click()
    assert averages() == sorted(first)
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").press("Enter")
    assert averages() == first
    page.locator("table.models thead button").first.click()
    names = page.locator("table.models tbody th").all_inner_texts()
    assert names == sorted(names, key=str.lower)


def test_the_filters_find_what_a_count_over_the_store_finds(page: "Page", site: Path, home: Path) -> None:
    rows = graded(home)
    open_page(page, site, "#/samples")
    page.wait_for_selector(".list-row")
    assert count_of(page) == len(rows)
    task = PLAN.task_names[1]
    model = runs_of(home)[2]["checkpoints"][0]["fingerprint"][:12]
    choose(page, "Task", task)
    choose(page, "Model", model)
    mine = [row for row in rows if (row["task"], row["model"]) == (task, model)]
    for shown, fits in {
        "right": lambda row: row["correct"],
        "wrong": lambda row: not row["correct"],
        "disagree": lambda row: row["correct"] != row["released_correct"],
        "truncated": lambda row: row["truncated"],
        "unread": lambda row: row["format_failure"],
        "ungraded": lambda row: row["ungraded"],
        "failed": lambda row: row["any_failure"],
    }.items():
        choose(page, "Show", shown)
        found(page, sum(map(fits, mine)))
    choose(page, "Show", "right")
    choose(page, "Answers", "greedy")
    found(page, sum(row["correct"] and row["repeat"] == 0 for row in mine))


def test_gained_and_lost_are_told_against_the_base(page: "Page", site: Path, home: Path) -> None:
    run = runs_of(home)[1]
    task, model, base = (
        PLAN.task_names[0],
        run["checkpoints"][0]["fingerprint"][:12],
        run["base_fingerprint"][:12],
    )
    correct = {
        (r["model"], r["item_id"], r["repeat"]): r["correct"] for r in graded(home) if r["task"] == task
    }
    pairs = [(value, correct[base, item, n]) for (one, item, n), value in correct.items() if one == model]
    open_page(page, site, f"#/samples?task={task}&model={model}&show=gained")
    page.wait_for_selector(".search-line .count")
    found(page, sum(now and not before for now, before in pairs))
    choose(page, "Show", "lost")
    found(page, sum(before and not now for now, before in pairs))
    choose(page, "Show", "changed")
    found(page, sum(before != now for now, before in pairs))


def test_search_finds_every_answer_that_holds_the_words(page: "Page", site: Path, home: Path) -> None:
    rows = graded(home)
    open_page(page, site, "#/samples")
    page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'")
    for words in (
        rows[7]["response"].split()[3],
        "The ANSWER is 1",
        rows[0]["question"][5:40],
        "nowhere at all",
    ):
        page.get_by_label("Search questions and answers").fill(words)
        held = [
            any(
                words.lower() in row[part].lower()
                for part in ("question", "gold", "response", "extracted", "item_id")
            )
            for row in rows
        ]
        found(page, sum(held))


def test_a_sample_shows_both_graders_and_another_model_beside_it(
    page: "Page", site: Path, home: Path
) -> None:
    run = runs_of(home)[0]
    task, model, base = (
        PLAN.task_names[0],
        run["checkpoints"][0]["fingerprint"][:12],
        run["base_fingerprint"][:12],
    )
    stored = {(r["model"], r["item_id"], r["repeat"]): r for r in graded(home) if r["task"] == task}
    open_page(page, site, f"#/samples?task={task}&model={model}&against={base}")
    page.locator(".list-row").nth(4).click()
    page.wait_for_selector(".sample .side")
    item, repeat = f"{task}-1", 1
    assert page.inner_text(".sample .key") == item
    for side, name in enumerate((model, base)):
        row, shown = stored[name, item, repeat], page.locator(".sample .side").nth(side)
        assert shown.locator("pre").inner_text() == row["response"]
        assert shown.locator(".graders > div").nth(0).get_attribute("class") == (
            "right" if row["correct"] else "wrong"
        )
        published = shown.locator(".graders > div").nth(1)
        assert published.get_attribute("class") == ("right" if row["released_correct"] else "wrong")
        assert row["released_extracted"] in published.inner_text()
        assert f"finish: {row['finish_reason']}" in shown.inner_text()
        assert str(2**62 + 4) in shown.inner_text()  # its seed, which only the generations hold
    assert page.locator(".sample pre").first.inner_text() == stored[model, item, repeat]["question"]
    page.locator(".repeats button").nth(0).click()
    page.wait_for_function(
        "() => document.querySelector('.sample .facts-line').textContent.startsWith('greedy')"
    )
    assert page.locator(".sample .side pre").first.inner_text() == stored[model, item, 0]["response"]
    page.reload()  # the address alone brings it back
    page.wait_for_selector(".sample .side")
    assert page.locator(".sample .side pre").first.inner_text() == stored[model, item, 0]["response"]


def test_cell_samples_run_and_queries_lead_to_one_another(page: "Page", site: Path, home: Path) -> None:
    run = runs_of(home)[3]
    model, task = run["checkpoints"][0]["fingerprint"][:12], PLAN.task_names[0]
    open_page(page, site, f"#/?model={model}&task={task}")
    page.locator(f"#model-{model}.sought [data-task={task}]").click()
    page.wait_for_selector(".list-row")
    assert f"model={model}" in page.url
    page.locator(".list-row").first.click()
    page.locator(".sample .side h3 a").first.click()
    page.wait_for_selector(".lineage")
    assert run["id"] in page.inner_text(".crumbs")
    keys = page.locator(".lineage .key").evaluate_all("(codes) => codes.map((code) => code.title)")
    collection = json.loads(
        (
            home / "artifacts/training-set" / run["checkpoints"][0]["training_set"] / "manifest.json"
        ).read_text()
    )["inputs"]["collection"]
    for key in (run["checkpoints"][0]["key"], run["checkpoints"][0]["training_set"], collection):
        assert key in keys
    assert run["evaluations"][1]["scores"][task] in keys
    page.locator(".lineage .queries a").click()
    page.wait_for_selector(".list-row")
    assert page.inner_text(".count") == f"{PLAN.queries} of {PLAN.queries} queries"


def test_a_foresight_tree_is_the_stored_trace(page: "Page", site: Path, home: Path) -> None:
    import pyarrow.parquet as pq

    run = runs_of(home)[0]
    training_set = home / "artifacts/training-set" / run["checkpoints"][0]["training_set"]
    collection = json.loads((training_set / "manifest.json").read_text())["inputs"]["collection"]
    shard = next((home / "artifacts/collection" / collection / "rows").glob("*.parquet"))
    trace = json.loads(pq.read_table(shard).to_pylist()[1]["trace"])
    open_page(page, site, "#/runs")
    page.get_by_role("link", name=run["id"]).click()
    page.locator(".lineage .queries a").click()
    page.locator(".list-row").nth(1).click()
    page.wait_for_selector(".tree")
    for place, step in enumerate(trace):
        cards = page.locator(".tree-step").nth(place).locator(".candidate")
        assert cards.count() == len(step["candidates"])
        for number, candidate in enumerate(step["candidates"]):
            text = cards.nth(number).inner_text()
            assert candidate["step"].strip() in text
            assert f"f {candidate['score']:.3f}".replace("-", "−") in text
            assert ("beam" in text) == (number in step["beams"])
            assert ("\nchosen" in text) == (step["chosen"] == number)
            assert ("\nrejected" in text) == (step["rejected"] == number)
    assert page.locator(".candidate.frozen").count() == 1
    assert page.locator(".tree-link").count() == 2
    page.locator(".tree-step").nth(1).locator(".candidate").nth(1).click()
    parent = trace[0]["candidates"][trace[0]["beams"][trace[1]["candidates"][1]["beam"]]]
    parts = page.locator(".whole-response pre").all_inner_texts()
    chosen = trace[1]["candidates"][1]
    assert [part.strip() for part in parts] == [
        part.strip() for part in (parent["step"], chosen["step"], chosen["foresight"])
    ]
    page.keyboard.press("h")  # to the step before
    assert "Step 1" in page.inner_text(".candidate-detail h3")


def test_the_keyboard_reaches_everything(page: "Page", site: Path) -> None:
    open_page(page, site)
    page.keyboard.press("?")
    assert page.locator("#help-dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help-dialog").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.rowIndex") == 2
    page.keyboard.press("Enter")
    page.wait_for_selector(".lineage")
    page.keyboard.press("/")  # a page without a search of its own leads to the samples
    page.wait_for_selector(".list-row")
    page.wait_for_function("() => document.activeElement.type === 'search'")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sample")
    page.wait_for_function("() => document.activeElement.classList.contains('sample')")
    assert page.locator(".list-row.current").get_attribute("aria-posinset") == "2"
    page.keyboard.press("Escape")
    page.wait_for_selector(".sample", state="detached")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, select")].filter(
            (one) => !(one.textContent.trim() || one.getAttribute("aria-label"))).length"""
    )
    assert unnamed == 0


@pytest.mark.parametrize(
    "page_address", ["", "#/boards", "#/boards/genius-paper/1", "#/runs", "run", "#/samples", "tree"]
)
def test_nothing_scrolls_sideways_on_a_phone(page: "Page", site: Path, page_address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    name = next((site / "data" / "runs").glob("*.js")).stem
    address = {"run": f"#/run/{name}", "tree": f"#/queries/{name}/1/0"}.get(page_address, page_address)
    open_page(page, site, address)
    page.wait_for_timeout(300)
    assert page.locator(".page div.notice").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if page_address == "#/samples":
        page.locator(".list-row").first.click()
        page.wait_for_selector(".sample .side")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dark_and_light_follow_the_system_and_the_switch(page: "Page", site: Path) -> None:
    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    page.emulate_media(color_scheme="dark")
    open_page(page, site)
    dark = brightness()
    page.emulate_media(color_scheme="light")
    assert dark < 150 < 600 < brightness()
    page.get_by_role("button", name="Switch between light and dark").click()
    assert brightness() == dark
    page.reload()
    page.wait_for_function("() => document.documentElement.dataset.shown !== undefined")
    assert brightness() == dark  # remembered


def test_the_paper_s_numbers_are_shown_as_reported_only(page: "Page", site: Path) -> None:
    open_page(page, site, "#/boards/genius-paper/1")
    assert page.locator("table.leaderboard.reported").count() == 1
    row = page.locator("table.leaderboard tbody tr", has_text="Genius").filter(has_text="Magpie")
    assert "57.08" in row.inner_text()
    assert row.locator("strong", has_text="57.08").count() == 1
    assert row.locator("a").count() == 0  # nothing was measured: there are no samples to go to
    assert "none of them was made here" in page.inner_text(".legend-text")
    assert "findings on the reported numbers" in page.inner_text(".findings summary")


def test_the_served_site_works_under_its_headers(page: "Page", served: SiteServer) -> None:
    response = page.goto(served.address)
    assert response is not None
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page.wait_for_selector("table.models")
    page.click("nav a[data-page=samples]")
    page.wait_for_selector(".list-row")
    page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'")
