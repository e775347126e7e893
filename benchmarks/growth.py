"""How time and memory of the driver grow with the number of queries. Two measurements, each in processes of its own:

(a) Genius through the real collect and curate stages, for 100, 1,000 and 10,000 queries. The engine is scripted: it
    answers with sentences of the lab after the time that a served model would take, shortened by TIME_SCALE.
(b) A million queries: a generated JSONL file is planned for, read, checked, drawn and fingerprinted, handed out to a
    method whose engine answers at once, stored and curated. Generated in a temporary folder and removed afterwards.

    python benchmarks/growth.py [--sizes 100 1000 10000] [--runs 5] [--million 1000000] [--folder TEMPORARY]
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus, load_corpus, stored
from genius_bench.engines.interface import Completion, Request
from genius_bench.engines.loading import load_tokenizer, resolve_model
from genius_bench.lab import MODEL_PATH
from genius_bench.method import Collected, Method
from genius_bench.planning.survey import survey_training
from genius_bench.recipe import CorpusSection
from genius_bench.resolution import resolve
from genius_bench.rows import Demonstration, Query
from genius_bench.sampling.collecting import collect, training_set
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import ResponseOptions, draw_responses
from genius_bench.stages import usable_corpus

TOKENS_PER_SECOND = 40.0
"""Of one request among hundreds, as a served model of 8 B parameters writes them."""
FIRST_TOKEN_SECONDS = 0.05
TIME_SCALE = 10.0
"""Latencies are divided by this."""
IN_FLIGHT = 128
MEBIBYTE = 2**20


class ScriptedEngine:
    """Writes sentences that the request's seed picks, and takes `seconds_of(tokens)` for it."""

    name = "scripted"
    context_length: int | None = None

    def __init__(self, seconds_of: Callable[[int], float], lines: tuple[int, int] = (4, 8)) -> None:
        self.tokenizer: Any = load_tokenizer(MODEL_PATH, None)
        self.requests = 0
        self._seconds_of, self._lines = seconds_of, lines
        texts = [query.reference or "" for query in load_corpus(CorpusSection(queries=200)).queries]
        sentences = {line + "\n" for text in texts for line in text.splitlines()}
        self._sentences = [
            self.tokenizer(line, add_special_tokens=False)["input_ids"] for line in sorted(sentences)
        ]

    async def generate(self, request: Request) -> Completion:
        self.requests += 1
        chance = random.Random(request.seed)
        stopped = "\n" in request.stop
        lines = 1 if stopped else chance.randint(*self._lines)
        ids = [token for _ in range(lines) for token in chance.choice(self._sentences)]
        if not stopped:
            ids.append(self.tokenizer.eos_token_id)
        await asyncio.sleep(self._seconds_of(len(ids)))
        return Completion(
            token_ids=tuple(ids),
            text=self.tokenizer.decode(ids, skip_special_tokens=True),
            logprobs=tuple(-chance.random() for _ in ids),
            finish_reason="stop" if stopped else "eos",
        )

    def close(self) -> None:
        return None


class Imitation(Method):
    """One pooled response a query, imitated."""

    name = "imitation"
    title = "Imitation"
    source = "this benchmark"
    Options = ResponseOptions

    async def collect(self, query: Query, policy: Policy) -> Collected:
        prompt_ids = policy.prompt(query.messages)
        [response] = await draw_responses(query, policy, self.options, prompt_ids=prompt_ids)
        row = Demonstration(
            id=query.id, query_id=query.id, prompt_ids=prompt_ids, response_ids=response.token_ids
        )
        return Collected(rows=[row], trace=[response.text])


def collect_scripted(size: int, home: Path) -> dict[str, float]:
    """(a) for one size: seconds, the driver's own seconds of computing, what each stage adds to its memory (stages
    of a run are processes of their own) and the files that it made.
    """
    store, method = Store(home), resolve({"method": "genius"}).method
    corpus = stored(load_corpus(CorpusSection(queries=size)), store)
    engine = ScriptedEngine(lambda tokens: (FIRST_TOKEN_SECONDS + tokens / TOKENS_PER_SECOND) / TIME_SCALE)
    before, wall, computing = resident_from_now(), time.monotonic(), time.process_time()
    collection = collect(
        store,
        method,
        corpus=corpus,
        policy_fingerprint="scripted",
        open_engine=lambda: engine,
        seed=0,
        queries_in_flight=IN_FLIGHT,
    )
    collecting = peak_resident() - before
    between = resident_from_now()
    made = training_set(store, collection)
    return {
        "seconds": time.monotonic() - wall,
        "computing_seconds": time.process_time() - computing,
        "collect_mib": collecting / MEBIBYTE,
        "curate_mib": (peak_resident() - between) / MEBIBYTE,
        "files": files_of(collection) + files_of(made),
        "requests": engine.requests,
        "rows": sum(1 for _ in made.rows("id")),
    }


def plan(home: Path, path: Path) -> None:
    """What `--dry-run` asks of a corpus."""
    seen = survey_training(
        home, resolve({"corpus": {"name": str(path)}}), resolve_model("lab"), offline=False
    )
    print(f"planned for {seen.corpus.queries.value:.0f} queries", file=sys.stderr)


def read_corpus(home: Path, path: Path) -> Corpus:
    """As the first stage of a run: read, checked against method and model, drawn, fingerprinted, stored."""
    resolved = resolve({"corpus": {"name": str(path)}})
    return stored(usable_corpus(resolved, resolve_model("lab"), home), Store(home))


def collect_at_once(home: Path, corpus: Corpus) -> Artifact:
    return collect(
        Store(home),
        Imitation(ResponseOptions()),
        corpus=corpus,
        policy_fingerprint="scripted",
        open_engine=lambda: ScriptedEngine(lambda tokens: 0.0, lines=(1, 2)),
        seed=0,
        queries_in_flight=IN_FLIGHT,
    )


def curate(home: Path, collection: Artifact) -> Artifact:
    return training_set(Store(home), collection)


def write_queries(path: Path, count: int) -> None:
    """Word problems with a worked answer, all different, about 700 bytes each."""
    chance = random.Random(0)
    people, things = ("Maya", "Tom", "Ada", "Raj", "Lena", "Omar"), ("apples", "coins", "stamps", "shells")
    with path.open("w") as file:
        for number in range(count):
            name, thing = chance.choice(people), chance.choice(things)
            steps = [(chance.choice(("buys", "loses")), chance.randint(2, 99)) for _ in range(3)]
            told = ", then ".join(f"{verb} {amount}" for verb, amount in steps)
            worked = "\n".join(
                f"After {name} {verb} {n} {thing}, the box is counted again." for verb, n in steps
            )
            row = {
                "id": f"query-{number:07d}",
                "query": f"{name} has {1000 + number} {thing} in a box, {told}. How many are left in the box?",
                "response": f"{worked}\n" * 3,
            }
            file.write(json.dumps(row) + "\n")


def resident_from_now() -> int:
    """Bytes that this process holds; its peak counts from here on."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak_resident() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def files_of(artifact: Artifact) -> int:
    return sum(1 for path in artifact.path.rglob("*") if path.is_file())


def in_own_process(action: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(action, *arguments).result()


def timed(action: Callable[..., Any], *arguments: Any) -> tuple[Any, dict[str, float]]:
    """What `action` returns, and its seconds and peak in this process (libraries that are imported for it included)."""
    wall, computing = time.monotonic(), time.process_time()
    result = action(*arguments)
    return result, {
        "seconds": round(time.monotonic() - wall, 1),
        "computing_seconds": round(time.process_time() - computing, 1),
        "peak_mib": round(peak_resident() / MEBIBYTE),
    }


def measure_growth(sizes: list[int], runs: int, folder: Path) -> dict[str, Any]:
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for run in range(runs):  # sizes in turns, so that whatever else the machine does falls on all
        for size in sizes:
            found[size].append(in_own_process(collect_scripted, size, folder / f"{size}-{run}"))
    rows = [
        {"queries": size}
        | {name: round(statistics.median(one[name] for one in measured), 2) for name in measured[0]}
        for size, measured in found.items()
    ]
    for row in rows:
        row["milliseconds_per_query"] = round(1000 * row["seconds"] / row["queries"], 2)
        row["computing_milliseconds_per_query"] = round(1000 * row["computing_seconds"] / row["queries"], 2)
    seconds = [row["seconds"] for row in rows]
    slope, intercept = np.polyfit(sizes, seconds, 1)
    share = 1 - np.var(np.array(seconds) - (slope * np.array(sizes) + intercept)) / np.var(seconds)
    line = {"seconds_per_query": round(slope, 5), "intercept_seconds": round(intercept, 2)}
    return {"rows": rows, "line": line | {"explained_variance": round(float(share), 6)}, "runs": runs}


def measure_million(count: int, folder: Path) -> dict[str, Any]:
    """(b). Every phase in a process of its own, as stages are; the command itself hands paths from one to the next."""
    home, path = folder / "home", folder / "queries.jsonl"
    write_queries(path, count)
    rows: list[dict[str, Any]] = []

    def phase(name: str, action: Callable[..., Any], *arguments: Any) -> Any:
        result, measured = in_own_process(timed, action, home, *arguments)
        rows.append({"phase": name} | measured)
        return result

    phase("plan", plan, path)
    corpus = phase("read, check, draw, fingerprint, store", read_corpus, path)
    collection = phase("hand out, collect, store", collect_at_once, corpus)
    made = phase("curate", curate, collection)
    if not len(corpus.queries) == count == sum(1 for _ in made.rows("id")):
        raise AssertionError("queries were lost")
    rows.append({"phase": "the command itself", "peak_mib": round(peak_resident() / MEBIBYTE)})
    files = {
        kind: sum(map(files_of, Store(home).all(kind))) for kind in ("queries", "collection", "training-set")
    }
    files["pool"] = sum(1 for _ in (home / "pools").rglob("*.parquet"))
    return {
        "queries": count,
        "input_mib": round(path.stat().st_size / MEBIBYTE),
        "phases": rows,
        "files": files,
    }


def show(rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    lines = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--million", type=int, default=1_000_000, help="queries of (b); 0 leaves it out")
    parser.add_argument("--folder", type=Path, default=None, help="where temporary files go: about 5 GB")
    options = parser.parse_args()
    found: dict[str, Any] = {"time_scale": TIME_SCALE, "in_flight": IN_FLIGHT}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if options.sizes:
            found["growth"] = measure_growth(options.sizes, options.runs, Path(name))
        if options.million:
            found["million"] = measure_million(options.million, Path(name))
    print(json.dumps(found, indent=2))
    for part, rows in (("growth", "rows"), ("million", "phases")):
        if part in found:
            print()
            show(found[part][rows])


if __name__ == "__main__":
    main()
