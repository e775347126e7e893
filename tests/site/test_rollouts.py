"""The rollouts of an online training on its run's page: what the store holds, step by step, and how much of it."""

import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.synthetic_home import fingerprint_of
from genius_bench.artifacts import Build, Identity, Store
from genius_bench.corpora import Corpus
from genius_bench.corpora.storing import stored
from genius_bench.online.audit import audit
from genius_bench.recipe import Recipe
from genius_bench.rows import Message, Query
from genius_bench.runs import Run, read_runs, write_run
from genius_bench.site import rollouts
from genius_bench.site.building import build_site

from .conftest import HOSTILE, open_page
from .test_accessibility import found
from .test_building import data_of, files_of
from .test_hostile_text import nothing_happened

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS, QUERIES, RESPONSES, TRAINED = 6, 3, 4, 3
GOLD = "4"
Row = dict[str, Any]


def write_online(home: Path, prompt: str = "What is 2 + 2?", said: str = "So **it** is $x$.") -> None:
    """A run of six steps that never happened; every response but a group's last one has an advantage."""
    store, chance = Store(home), random.Random(1)
    asked = [
        Query(
            id=f"q{n} {prompt[:30]}", messages=(Message(role="user", content=f"{prompt} {n}"),), answer=GOLD
        )
        for n in range(QUERIES)
    ]
    corpus = stored(Corpus(name="sums", queries=asked), store)

    def rows(step: int) -> list[Row]:
        return [
            {
                "id": f"{step}/{query.id}/{number}",
                "query_id": query.id,
                "step": step,
                "number": number,
                "prompt_ids": [1, 2],
                "response_ids": list(range(3 + number)),
                "sampled_logps": [-0.5] * (3 + number),
                "text": f"{said} {chance.choice('abcdef')}.\n\nThe answer is {chance.choice('456')}.",
                "finish_reason": "eos",
                "entropy": chance.random(),
                "reward": chance.random(),
                "penalty": 0.0 if number < TRAINED else None,
                "advantage": chance.gauss(0, 1) if number < TRAINED else None,
            }
            for query in asked
            for number in range(RESPONSES)
        ]

    def train(build: Build) -> None:
        for step in range(1, STEPS + 1):
            build.write_shard(rows(step))
        log = [{"step": step, "reward": 0.5, "loss": 0.1} for step in range(1, STEPS + 1)]
        build.write_json("trainer_log.json", log)
        build.record(steps=STEPS, tokens_trained=1000, parameters=1000)

    base = fingerprint_of("base")
    made = store.make(
        Identity(kind="checkpoint", version=1, parameters={"of": prompt + said}, inputs={"policy": base}),
        train,
    )
    audit(store, made, corpus)
    recipe = Recipe(method="ttrl").model_dump(mode="json")
    checkpoint = {"key": made.key, "iteration": "1", "fingerprint": fingerprint_of("made"), "path": ""}
    known = {"name": "sums", "queries": QUERIES, "fingerprint": corpus.fingerprint}
    write_run(
        home,
        Run(
            id="ttrl-1",
            recipe=recipe,
            base="lab",
            base_fingerprint=base,
            corpus=known,
            checkpoints=[checkpoint],
        ),
    )


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home, site = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("site")
    write_online(home)
    build_site(home, site)
    return home, site


def groups(home: Path, step: int) -> list[list[Row]]:
    """As they lie on disk, read past all of our own code."""
    [folder] = (home / "artifacts" / "checkpoint").glob("*/rows")
    shards = sorted(folder.glob("*.parquet"), key=lambda path: int(path.stem))
    rows: list[Row] = pa.concat_tables(pq.read_table(shard) for shard in shards).to_pylist()
    mine = [row for row in rows if row["step"] == step]
    return [
        [row for row in mine if row["query_id"] == query]
        for query in dict.fromkeys(r["query_id"] for r in mine)
    ]


def answer(row: Row) -> str:
    return str(row["text"].split()[-1].rstrip("."))


def page_of(site: Path) -> str:
    return next((site / "data" / "runs").glob("*.js")).stem


@pytest.mark.browser
def test_a_step_is_chosen_on_the_run_s_page_and_shows_what_the_store_holds(
    page: "Page", homes: tuple[Path, Path]
) -> None:
    home, site = homes
    open_page(page, site, f"#/run/{page_of(site)}")
    page.locator(".rollouts").get_by_label("Step").select_option("4")
    page.locator(".rollouts a").click()
    page.wait_for_selector(".list-row")
    kept = groups(home, 4)
    rows = [row for group in kept for row in group]
    right = sum(answer(row) == GOLD for row in rows) / len(rows)
    told = page.inner_text(".explorer-head .count")
    assert told.startswith(f"{QUERIES} groups · {len(rows)} responses in all · mean reward ")
    assert f"{100 * right:.1f} % right" in told
    for place, group in enumerate(kept):
        page.locator(".list-row").nth(place).click()
        page.wait_for_function(
            "(query) => document.querySelector('.sample .key')?.textContent === query",
            arg=group[0]["query_id"],
        )
        assert page.inner_text(".sample > pre") == f"What is 2 + 2? {place}"
        [(first, votes), *others] = Counter(map(answer, group)).most_common()
        tie = bool(others) and others[0][1] == votes
        assert (
            page.inner_text(".sample .gold") == f"gold {GOLD} · most said {'no one answer' if tie else first}"
        )
        lines = page.locator(".responses tbody tr")
        assert lines.count() == RESPONSES
        for line, row in zip(lines.all(), group, strict=True):
            cells = line.locator("th, td").all_inner_texts()
            assert cells[:3] == [
                str(row["number"] + 1),
                answer(row),
                "✓ right" if answer(row) == GOLD else "✗ wrong",
            ]
            assert float(cells[3]) == pytest.approx(row["reward"], abs=6e-4)
            advantage = cells[4].replace("−", "-")
            assert (advantage == "–") is (row["advantage"] is None)
            assert advantage == "–" or float(advantage) == pytest.approx(row["advantage"], abs=6e-4)
            assert cells[5] == str(len(row["response_ids"]))
            line.locator("button").click()
            page.wait_for_selector(f".side h3:text-is('response {row['number'] + 1}')")
            assert page.locator(".side pre.text").text_content() == row["text"]
    page.get_by_text("Next →").click()
    page.wait_for_selector("h1:text('Rollouts of step 5')")


@pytest.mark.browser
def test_two_responses_stand_beside_each_other_and_a_link_shows_the_same(
    page: "Page", homes: tuple[Path, Path]
) -> None:
    home, site = homes
    [first, second, *_] = groups(home, 2)[1]
    open_page(page, site, f"#/rollouts/{page_of(site)}/1/2")
    page.locator(".list-row").nth(1).click()
    page.wait_for_selector(".side .markdown", state="detached")
    page.get_by_label("Beside").select_option("1")
    page.get_by_role("button", name="Markdown and formulas").click()
    page.wait_for_selector(".two-sides .side + .side .markdown strong")
    assert page.locator(".side .markdown math").count() == 2
    page.get_by_role("button", name="Differences").click()
    page.wait_for_selector(".two-sides pre.text > span")
    for _ in range(2):  # the second time from the address alone
        sides = page.locator(".side pre.text")
        assert sides.all_text_contents() == [first["text"], second["text"]]
        assert sides.nth(0).locator("ins").count() > 0 < sides.nth(1).locator("del").count()
        address = page.url.partition("#")[2]
        open_page(page, site, f"#{address}")
        page.wait_for_selector(".two-sides pre.text > span")


@pytest.mark.browser
def test_a_long_training_is_thinned_and_says_so(
    page: "Page", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    write_online(home)
    monkeypatch.setattr(rollouts, "MOST_STEPS", 3)
    monkeypatch.setattr(rollouts, "MOST_CHARACTERS", 3 * 1500)
    build_site(home, site)
    [name] = {path.name.rpartition("-")[0] for path in (site / "data" / "rollouts").glob("*-*.js")}
    held = {int(path.stem.rpartition("-")[2]) for path in (site / "data" / "rollouts").glob("*.js")}
    assert held == {1, 3, 6} or held == {1, 4, 6}
    for step in held:
        shown = data_of(site, f"rollouts/{name}-{step}")
        assert [one["query"] for one in shown] == [
            one[0]["query_id"] for one in groups(home, step)[: len(shown)]
        ]
        assert 1 <= len(shown) < QUERIES, "whole groups, as many as there is room for"
        assert all(len(one["responses"]) == RESPONSES for one in shown)
    open_page(page, site, f"#/rollouts/{page_of(site)}/1/6")
    said = page.inner_text(".explorer-head")
    assert f"the first {len(shown)} of 3 groups · 12 responses in all" in said
    assert "3 of 6 steps are here; all are written by genius-bench pairs ttrl-1" in said
    before = files_of(site)
    build_site(home, site)
    after = files_of(site)
    assert {name for name in before if before[name] != after[name]} <= {"data/site.js"}


def test_a_damaged_step_is_told_and_leaves_the_run_where_it_is(tmp_path: Path) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    write_online(home)
    [shard] = home.glob("artifacts/checkpoint/*/rows/00002.parquet")
    shard.write_bytes(shard.read_bytes()[:100])
    built = build_site(home, site)
    assert any("rollouts of checkpoint" in line for line in built.problems)
    [run] = read_runs(home)
    iteration = data_of(site, f"runs/{page_of(site)}")["iterations"][0]
    assert (iteration["checkpoint"]["key"], iteration["rollouts"]) == (run.checkpoints[0]["key"], None)
    assert not list(site.glob("data/rollouts/*")), "no half of them"


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_attacks_stay_text_and_axe_finds_nothing_grave(page: "Page", tmp_path: Path, theme: Any) -> None:
    home, site = tmp_path / "home", tmp_path / "site"
    write_online(home, " ".join(HOSTILE[:-1]), "\n".join(HOSTILE))
    build_site(home, site)
    page.emulate_media(color_scheme=theme)
    open_page(page, site, f"#/run/{page_of(site)}")
    assert found(page) == [], "the run"
    nothing_happened(page)
    open_page(page, site, f"#/rollouts/{page_of(site)}/1/1")
    assert found(page) == [], "the list"
    page.locator(".list-row").first.click()
    page.wait_for_selector(".sample .side")
    page.get_by_label("Beside").select_option("2")
    for view in ("Text", "Markdown and formulas", "Differences"):
        page.get_by_role("button", name=view, exact=True).click()
        page.wait_for_selector(f".sample button[aria-pressed=true]:text-is('{view}')")
        assert "<script>window.attacked = 1</script>" in page.inner_text(".sample")
        assert found(page) == [], view
        nothing_happened(page)
