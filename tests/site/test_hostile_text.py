"""Whatever a model, a corpus or a recipe says is shown as text, and nothing else on the page changes by it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.site.scripts import script

from .conftest import HOSTILE, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTS = st.text(alphabet=st.characters(codec=None, categories=None), max_size=40)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_a_data_script_can_neither_end_nor_change_its_script(value: Any) -> None:
    text = script("name", {"held": value})
    assert "<" not in text
    assert not set("\r\u2028\u2029") & set(text)  # what ends a line of a script
    assert text.count("\n") == 1
    text.encode()  # half a character never gets into the file
    assert text.startswith('receive("name",')
    assert text.endswith(");\n")
    argument = json.loads(text[len('receive("name",') : -len(");\n")])
    assert json.loads(argument) == {"held": value}


def test_numbers_that_are_none_become_null() -> None:
    argument = json.loads(script("n", [float("nan"), {"a": float("inf")}, 1.5])[len('receive("n",') : -3])
    assert json.loads(argument) == [None, {"a": None}, 1.5]


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript engine outside a browser")
def test_another_engine_reads_the_same_value(tmp_path: Path) -> None:
    held = {"texts": list(HOSTILE), "__proto__": {"polluted": 1}, "half": "\ud800 and \udfff"}
    (tmp_path / "data.js").write_text(script("n", held))
    program = (
        "global.receive = (name, json) => console.log(JSON.stringify(JSON.parse(json)));require('./data.js')"
    )
    out = subprocess.run(
        ["node", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(out) == held


@pytest.mark.browser
def test_attacks_are_text_on_every_page(page: "Page", hostile_site: Path) -> None:
    names = [path.stem for path in (hostile_site / "data" / "runs").glob("*.js")]
    assert len(names) == 3
    for address in ("", "#/boards", "#/runs", "#/samples", *(f"#/run/{name}" for name in names)):
        open_page(page, hostile_site, address)
        page.wait_for_timeout(200)
        assert page.locator(".page div.notice").count() == 0
        nothing_happened(page)
    for name in names:
        for query in range(8):
            open_page(page, hostile_site, f"#/queries/{name}/1/{query}")
            nothing_happened(page)


@pytest.mark.browser
def test_a_hostile_answer_is_seen_as_it_is(page: "Page", hostile_site: Path) -> None:
    open_page(page, hostile_site, "#/samples")
    page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'")
    for words, seen in {
        "<img src=x onerror": "<img src=x onerror='window.attacked = 3'>",
        "</script><script>": "</script><script>window.attacked = 2</script>",
        "\u202egnp": "⟨U+202E⟩gnp.exe⟨U+202C⟩",
        "\u001b[31m": "␛[31mred␛[2J␛]0;title␇",
        "null\0byte": "null␀byte",
    }.items():
        page.get_by_label("Search questions and answers").fill(words)
        page.locator(".list-row").first.click()
        page.wait_for_selector(".sample .side")
        page.wait_for_function(
            "(seen) => document.querySelector('.sample').innerText.replaceAll('\\n', '').includes(seen)",
            arg=seen,
        )
        nothing_happened(page)
        page.get_by_role("button", name="Markdown and formulas").click()
        page.wait_for_selector(".sample .side .markdown")
        nothing_happened(page)
        page.get_by_role("button", name="Text", exact=True).click()
        page.wait_for_selector(".sample .side .markdown", state="detached")
        page.keyboard.press("Escape")
    page.get_by_label("Search questions and answers").fill("x" * 200)
    page.locator(".list-row").first.click()
    page.wait_for_selector(".sample pre")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_text_from_right_to_left_leaves_its_neighbours_where_they_are(
    page: "Page", hostile_site: Path
) -> None:
    open_page(page, hostile_site, "#/samples?search=שלום")
    page.locator(".list-row").first.wait_for()
    loose = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const loose = [];
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const foreign = /[\\u0590-\\u08ff\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data);
                if (foreign && !node.parentElement.closest("bdi, pre.text, option")) loose.push(node.data);
            }
            return loose;
        }"""
    )
    assert loose == []


@pytest.mark.browser
def test_no_script_can_be_added_to_the_page(browser: Any, site: Path) -> None:
    """Even if a text became an element: the policy of the page holds on file:// too."""
    page = browser.new_context().new_page()
    open_page(page, site)
    refused = page.evaluate(
        """() => {
            const refused = [];
            const attempt = (name, action) => { try { action(); } catch (error) { refused.push(name); } };
            attempt("html", () => { document.body.innerHTML += "<img src=x onerror='window.attacked = 1'>"; });
            attempt("address", () => { const s = document.createElement("script"); s.src = "data/site.js"; });
            attempt("text", () => { document.createElement("script").textContent = "window.attacked = 2"; });
            attempt("handler", () => { document.body.setAttribute("onclick", "window.attacked = 3"); });
            document.body.click();
            return refused;
        }"""
    )
    assert refused == ["html", "address", "text", "handler"]
    assert page.evaluate("window.attacked") is None
    page.context.close()


def nothing_happened(page: "Page") -> None:
    assert page.evaluate("window.attacked") is None
    assert page.evaluate("Object.prototype.polluted === undefined && ({}).polluted === undefined")
    assert page.locator("main script, main img, main svg[onload], main iframe").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
