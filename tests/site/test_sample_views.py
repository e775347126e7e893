"""A sample as Markdown with formulas, word by word against another, with its prompt, and as a file."""

import json
import random
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.synthetic_home import Plan, plain_words, write_home
from genius_bench.site.building import build_site

from .conftest import graded, open_page
from .test_hostile_text import nothing_happened

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

MARKDOWN = r"""# Solution

First **bold**, *it*, `code` and $x^2 + \sqrt{3}$, then \(\frac{1}{2}\).

$$\sum_{i=1}^n i$$

1. one
2. two
   - inner

| a | b |
|---|---|
| 1 | $\alpha$ |

```python
print("<b>")
```
"""
ATTACKS = r"""[link](javascript:window.attacked=11) ![picture](https://example.org/x.png) <https://example.org>
<img src=x onerror='window.attacked = 12'> <style>*{display:none}</style> <b onclick="x">bold</b>

<script>window.attacked = 13</script>

$\href{javascript:window.attacked=14}{go}$ $\includegraphics{https://example.org/x.png}$ $\char"202E left$
$\htmlStyle{color:red}{x}$ $\def\a{\a\a}\a$ $\unknown$ $\rule{1e9em}{1e9em}$ $\color{white}{seen}$ costs $5 or $6.
"""
TEXTS = (MARKDOWN, ATTACKS, "> " * 3000 + "deep", "$" * 4000, "*" * 3000 + "[" * 3000)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home whose answers are Markdown, honest and not, and its site."""
    home, site = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("site")

    def words(chance: random.Random, count: int) -> str:
        if count != 50:
            return plain_words(chance, count)
        return (
            f"{plain_words(chance, 2)}\n\n{TEXTS[chance.randrange(len(TEXTS))]}\n\n{plain_words(chance, 8)}"
        )

    write_home(home, Plan(runs=1, tasks=1, items=30, samples=1, queries=1, words=words))
    build_site(home, site)
    return home, site


def open_sample(page: "Page", homes: tuple[Path, Path], part: str, view: str = "") -> None:
    """The first answer of the base with `part` in it, in one of the views."""
    open_page(page, homes[1], "#/samples")
    page.wait_for_function("() => document.documentElement.dataset.texts === 'whole'")
    page.get_by_label("Search questions and answers").fill(part)
    page.locator(".list-row").first.click()
    page.wait_for_selector(".sample .side")
    if view:
        page.get_by_role("button", name=view).click()
        page.wait_for_selector(f".sample button[aria-pressed=true]:text('{view}')")


def test_markdown_and_formulas_are_arranged(page: "Page", homes: tuple[Path, Path]) -> None:
    open_sample(page, homes, "# solution", "Markdown and formulas")
    side = page.locator(".sample .side .markdown")
    assert side.locator(".heading").inner_text() == "Solution"
    assert side.locator("strong").inner_text() == "bold"
    assert side.locator("ol > li").count() == 2
    assert side.locator("ol ul > li").inner_text() == "inner"
    assert side.locator("pre").inner_text().strip() == 'print("<b>")'
    assert side.locator("td math mi").text_content() == "α"
    assert side.locator("math").count() == 4
    assert [side.locator(f"math {part}").count() for part in ("msup", "msqrt", "mfrac", "munderover")] == [
        1
    ] * 4
    assert "$" not in side.inner_text()
    assert "view=arranged" in page.url


def test_attacks_in_markdown_and_formulas_stay_text(page: "Page", homes: tuple[Path, Path]) -> None:
    open_sample(page, homes, "window.attacked=11", "Markdown and formulas")
    side = page.locator(".sample .side .markdown")
    said = unicodedata.normalize("NFKC", side.text_content() or "")
    for part in (
        *(
            "[link](javascript:window.attacked=11)",
            "![picture](https://example.org/x.png)",
            "<img src=x onerror=",
        ),
        *("<style>", "<script>window.attacked = 13</script>", r"\href{javascript:window.attacked=14}{go}"),
        *(
            r"\includegraphics",
            r'\char"202E',
            r"\htmlStyle",
            r"\def\a{\a\a}\a",
            r"\unknown",
            "seen",
            "costs $5 or $6",
        ),
    ):
        assert part in said, part
    assert side.locator("a, img, style, script, b, [style], [onclick]").count() == 0
    nothing_happened(page)


@pytest.mark.parametrize("part", ["> > > >", "$$$$", "****"])
def test_what_cannot_be_read_as_markdown_is_shown_all_the_same(
    page: "Page", homes: tuple[Path, Path], part: str
) -> None:
    open_sample(page, homes, part, "Markdown and formulas")
    assert part.replace(" ", "") in page.inner_text(".sample .side").replace(" ", "")
    nothing_happened(page)


def test_words_that_differ_are_marked_and_none_is_lost(page: "Page", site: Path, home: Path) -> None:
    run = json.loads(next((home / "runs").glob("*.json")).read_text())
    model, base = run["checkpoints"][0]["fingerprint"][:12], run["base_fingerprint"][:12]
    stored = {(row["model"], row["item_id"], row["repeat"]): row["response"] for row in graded(home)}
    open_page(
        page, site, f"#/samples?model={model}&against={base}&view=differences&answers=greedy&task=synthetic_0"
    )
    for place in range(4):
        page.locator(".list-row").nth(place).click()
        item = f"synthetic_0-{place}"
        page.wait_for_function(
            "(item) => document.querySelector('.sample .key')?.textContent === item", arg=item
        )
        sides = [page.locator(".sample .side").nth(number).locator("pre.text") for number in (0, 1)]
        texts = [stored[name, item, 0] for name in (model, base)]
        assert [side.text_content() for side in sides] == texts
        alike = ["".join(side.locator(":scope > span").all_text_contents()) for side in sides]
        assert alike[0] == alike[1]
        assert sides[0].locator("ins").count() > 0 < sides[1].locator("del").count()


def test_the_prompt_stands_behind_every_answer(page: "Page", homes: tuple[Path, Path]) -> None:
    open_sample(page, homes, "# solution")
    question = page.inner_text(".sample > pre")
    page.get_by_text("The prompt as the model read it").click()
    page.wait_for_selector(".prompt-shown pre")
    assert page.inner_text(".prompt-shown pre") == f"<user> {question} <assistant>"


def test_an_answer_is_copied_and_saved_as_it_is(
    page: "Page", homes: tuple[Path, Path], tmp_path: Path
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_sample(page, homes, "window.attacked=11")
    item = page.inner_text(".sample .key")
    page.get_by_role("button", name="Copy the answer").click()
    page.get_by_role("button", name="copied").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied in {row["response"] for row in graded(homes[0]) if row["item_id"] == item}
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON", exact=True).click()
    waiting.value.save_as(tmp_path / "sample.json")
    [saved] = json.loads((tmp_path / "sample.json").read_text())
    assert (saved["item"], saved["response"]) == (item, copied)
