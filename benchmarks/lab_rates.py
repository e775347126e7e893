"""The learning rates of the lab's presets, found for every method by one rule on the tuning split.

    python -m benchmarks.lab_rates --home .home [--seed 0] [--jobs 2] [--only "genius,placebo imitation"]

The rule: of rates a factor of two apart the one after which samples at temperature 1 are right most often, on the first
100 items of each task's tuning split, two samples each (mean over the tasks; several iterations count by their last).
From 2e-4 on, further ones are tried for as long as the best of a row lies at its edge. Whatever is finished is found
again.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from genius_bench.layers import Layer

FIRST = 2e-4
WIDEST = (6.25e-6, 1.28e-2)
FIELD = (
    *("lmsi", "rest-em", "iterative-rpo", "dpo-st", "self-explore", "crest", "meta-rewarding", "sharpening"),
    "certainty",
)
ROWS: dict[str, Layer] = {
    **{name: {"method": name} for name in ("genius", "star", "coh", "self-rewarding", "scpo", "spin", "sft")},
    **{name: {"method": name} for name in FIELD},
    "sharpening preference": {"method": "sharpening", "variant": "preference"},
    # whose rate all that train online share, so that signals are compared and not recipes
    "gold-grpo": {"method": "gold-grpo"},
    **{f"genius + {name}": {"objective": {"name": name}} for name in ("dpo", "ropo", "ipo", "simpo", "sft")},
    **{
        f"placebo {name}": {"method": "placebo", "variant": name} for name in ("paper", "length", "imitation")
    },
}


class Found(NamedTuple):
    """Percent on the tuning split, means over the tasks."""

    sampled: float
    greedy: float


def score(home: Path, layer: Layer, rate: float, seed: int) -> Found:
    """Trains and scores one row at one rate, or finds it."""
    import os

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from genius_bench.artifacts import Store
    from genius_bench.evaluation.scores import read_scores
    from genius_bench.pipeline import train
    from genius_bench.resolution import resolve

    asked: Layer = {
        "seed": seed,
        "training": {"learning_rate": rate},
        "evaluation": {"split": "tuning", "limit": 100, "samples": 2},
    }
    run = train(home, resolve(layer, asked))
    store = Store(home)
    scores = [
        one for key in run.evaluations[-1].scores.values() for one in read_scores(store.named("scores", key))
    ]
    return Found(*(_mean([one.value for one in scores if one.metric == name]) for name in Found._fields))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def best(found: dict[float, Found]) -> float:
    return max(found, key=lambda rate: found[rate].sampled)


def missing(found: dict[float, Found]) -> list[float]:
    """The rates to try next; none where the best lies between two others (or the sweep is as wide as it gets)."""
    further = [best(found) * 2, best(found) / 2] if found else [FIRST]
    return [rate for rate in further if rate not in found and WIDEST[0] <= rate <= WIDEST[1]]


def best_of(pool: ProcessPoolExecutor, home: Path, name: str, seed: int) -> None:
    """Finds the best rate of a row and prints it, with all that were tried."""
    found: dict[float, Found] = {}
    while rates := missing(found):
        found[rates[0]] = pool.submit(score, home, ROWS[name], rates[0], seed).result()
    told = "; ".join(
        f"{rate:.2g}: {found[rate].sampled:.1f}, {found[rate].greedy:.1f}" for rate in sorted(found)
    )
    print(f"{name} | {best(found):.2g} | {told}", flush=True)


def sweep(home: Path, names: list[str], seed: int, jobs: int) -> None:
    """So many rows at a time, each by itself, so that the rates of a row share its samples."""
    print("row | best rate | rate: T=1, greedy", flush=True)
    with (
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool,
        ThreadPoolExecutor(jobs) as threads,
    ):
        for row in [threads.submit(best_of, pool, home, name, seed) for name in names]:
            row.result()


def main() -> None:
    parser = argparse.ArgumentParser(description="learning rates of the lab's presets")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="rows, separated by commas")
    options = parser.parse_args()
    names = [name.strip() for name in options.only.split(",")] if options.only else list(ROWS)
    sweep(options.home, names, options.seed, options.jobs)


if __name__ == "__main__":
    main()
