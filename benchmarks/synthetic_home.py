"""A home full of runs that never happened: made through the store, so that everything reads it like a real one."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genius_bench.artifacts import Build, Identity, Store
from genius_bench.evaluation.metrics import scores_of
from genius_bench.integrity import digest_of
from genius_bench.recipe import Recipe
from genius_bench.runs import Evaluation, Run, write_run

METHODS = ("genius", "star", "coh", "scpo", "spin", "self-rewarding", "sft")
SEEDS = 3
SETTINGS: dict[str, Any] = {
    "protocol": "strict",
    "temperature": 1.0,
    "split": None,
    "limit": None,
    "max_tokens": None,
}
ASKED = {"task_version": 1, "protocol": "strict", "temperature": 1.0, "max_tokens": 64, "limit": None}
ANSWERED = {"text": "", "finish_reason": "eos", "error": "", "token_ids": [1, 2]}
PHRASES = (
    "therefore since suppose we then add subtract multiply divide the remaining number of apples books coins boxes",
    "each by two three four seven twelve gives total so far which means that answer is not yet known but follows from",
    "first step second equation left side right side both sides minus plus equals half twice",
)
WORDS = [word for phrase in PHRASES for word in phrase.split()]


Row = dict[str, Any]
Words = Callable[[random.Random, int], str]


def plain_words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


@dataclass(frozen=True)
class Plan:
    """What the home holds. `words(chance, count)` makes every text in it."""

    runs: int
    tasks: int = 5
    items: int = 100
    samples: int = 0
    """Beside the greedy answer."""
    queries: int = 4
    words: Words = plain_words

    @property
    def task_names(self) -> list[str]:
        return [f"synthetic_{number}" for number in range(self.tasks)]

    @property
    def settings(self) -> dict[str, Any]:
        return SETTINGS | {"samples": self.samples}


def write_home(home: Path, plan: Plan) -> None:
    """A base and `plan.runs` runs of one checkpoint each, three seeds a recipe."""
    store = Store(home)
    base = fingerprint_of("base")
    base_scores = _scores(store, plan, "base", base, skill=0.45)
    for number in range(plan.runs):
        chance = random.Random(number)
        method = METHODS[number // SEEDS % len(METHODS)]
        name = f"{method}-{number:04d}"
        made = fingerprint_of(name)
        checkpoint = _checkpoint(store, plan, name, base, chance)
        settings = plan.settings
        scores = _scores(store, plan, name, made, skill=0.45 + 0.3 * chance.random())
        recipe = Recipe(
            method=method, variant=f"paper-{number // SEEDS // len(METHODS)}", seed=number % SEEDS
        )
        write_run(
            home,
            Run(
                id=name,
                recipe=json.loads(json.dumps(recipe.model_dump())),
                base="lab",
                base_fingerprint=base,
                corpus={
                    "name": "synthetic",
                    "queries": plan.queries,
                    "fingerprint": fingerprint_of("corpus"),
                },
                checkpoints=[checkpoint | {"iteration": "1", "fingerprint": made, "path": ""}],
                evaluations=[
                    Evaluation(model="lab", fingerprint=base, settings=settings, scores=base_scores),
                    Evaluation(model=name, fingerprint=made, settings=settings, scores=scores),
                ],
            ),
        )


def fingerprint_of(name: str) -> str:
    return digest_of(["synthetic", name])


def _scores(store: Store, plan: Plan, name: str, fingerprint: str, skill: float) -> dict[str, str]:
    return {task: _score(store, plan, name, fingerprint, task, skill) for task in plan.task_names}


def _score(store: Store, plan: Plan, name: str, fingerprint: str, task: str, skill: float) -> str:
    chance = random.Random(f"{name} {task}")
    rows = [
        _answer(plan, task, item, repeat, chance, skill)
        for item in range(plan.items)
        for repeat in range(1 + plan.samples)
    ]
    asked = [
        {"item_id": row["item_id"], "repeat": row["repeat"], "seed": 2**62 + place}
        | {"prompt": "" if row["repeat"] else f"<user> {row['question']} <assistant>"}
        | ANSWERED
        for place, row in enumerate(rows)
    ]

    def answer(build: Build) -> None:
        items = {
            row["item_id"]: {"id": row["item_id"]} | {k: row[k] for k in ("question", "gold")} for row in rows
        }
        about = {"expected_items": plan.items, "dataset": "as expected", "shots": 0}
        build.write_json("items.json", about | {"items": list(items.values())})
        build.write_shard(asked, tokens_sampled=40.0 * len(asked))

    generations = store.make(
        Identity(
            kind="generations",
            version=1,
            parameters={"task": task, "of": name} | ASKED | {"samples": plan.samples},
            inputs={"policy": fingerprint},
        ),
        answer,
    )

    def produce(build: Build) -> None:
        build.write_shard(rows)
        details = {"protocol": "strict"}
        found = scores_of(task, rows, details, graded=True, released=True)
        build.write_json("scores.json", [vars(one) for one in found])

    identity = Identity(
        kind="scores",
        version=1,
        parameters={"task": task, "grader": "number", "grader_version": 1},
        inputs={"generations": generations.key},
    )
    return store.make(identity, produce).key


def _answer(plan: Plan, task: str, item: int, repeat: int, chance: random.Random, skill: float) -> Row:
    asking = random.Random(f"{task} {item}")
    question, gold = plan.words(asking, 40), str(asking.randrange(100))
    right, cut_off = chance.random() < skill, chance.random() < 0.02
    ungraded = not right and chance.random() < 0.1
    read = gold if right else str(100 + chance.randrange(100))
    return {
        "item_id": f"{task}-{item}",
        "repeat": repeat,
        "question": question,
        "gold": gold,
        "response": f"{plan.words(chance, 50)}. The answer is {read}.",
        "extracted": "" if cut_off else read,
        "vote": "" if cut_off else read,
        "correct": right and not cut_off,
        "released_extracted": read,
        "released_correct": right,
        "format_failure": cut_off,
        "truncated": cut_off,
        "empty": False,
        "error": False,
        "ungraded": ungraded,
        "any_failure": cut_off or ungraded,
        "error_message": "",
        "ungraded_because": "took too long" if ungraded else "",
        "finish_reason": "length" if cut_off else "eos",
        "response_tokens": 40,
    }


def _checkpoint(store: Store, plan: Plan, name: str, policy: str, chance: random.Random) -> dict[str, str]:
    """A collection with foresight trees, its training set, and a checkpoint that has nothing but a training log."""
    rows = [_collected(plan, number, chance) for number in range(plan.queries)]
    collection = store.make(
        Identity(kind="collection", version=1, parameters={"method": name}, inputs={"policy": policy}),
        lambda build: build.write_shard(
            rows, tokens_sampled=chance.randrange(10**5, 10**7), tokens_read=1000.0
        ),
    )
    training_set = store.make(
        Identity(kind="training-set", version=1, parameters={}, inputs={"collection": collection.key}),
        lambda build: build.write_json("summary.json", {"rows": plan.queries, "left_out": {}}),
    )
    log = [
        {
            "step": step,
            "loss": 0.7 / (1 + step / 20) + 0.05 * chance.random(),
            "rewards/accuracy": chance.random(),
        }
        for step in range(1, 61)
    ]

    def train(build: Build) -> None:
        (build.path / "trainer_log.json").write_text(json.dumps(log))
        build.record(steps=60, tokens_trained=chance.randrange(10**5, 10**6), parameters=10**6)

    checkpoint = store.make(
        Identity(
            kind="checkpoint",
            version=1,
            parameters={"name": name},
            inputs={"policy": policy, "training_set": training_set.key},
        ),
        train,
    )
    return {"key": checkpoint.key, "training_set": training_set.key}


def _collected(plan: Plan, number: int, chance: random.Random) -> Row:
    candidates = [
        [_candidate(plan, beam, chance) for beam in (0, 0, 1, 1)],
        [_candidate(plan, beam, chance) for beam in (0, 0)] + [_frozen(1)],
    ]
    trace = [
        {"candidates": candidates[0], "beams": [0, 3], "chosen": 0, "rejected": 2},
        {"candidates": candidates[1], "beams": [1, 2], "chosen": 1, "rejected": 0},
    ]
    rows = [
        {
            "id": f"query-{number}/step-1",
            "query_id": f"query-{number}",
            "prompt_ids": [1, 2, 3],
            "chosen_ids": [4, 5],
            "rejected_ids": [6, 7],
            "chosen_advantage": -0.25,
            "rejected_advantage": -1.5,
            "weight": 1.0,
        }
    ]
    notes = {"no_contrast": 0, "repeated": number % 2}
    return {
        "id": f"query-{number}",
        "rows": json.dumps(rows),
        "trace": json.dumps(trace),
        "notes": json.dumps(notes),
    }


def _candidate(plan: Plan, beam: int, chance: random.Random) -> Row:
    score = -chance.random()
    return {
        "beam": beam,
        "step": f"{plan.words(chance, 8)}.\n",
        "foresight": f"{plan.words(chance, 12)}.",
        "score": score,
        "probability": chance.random() / 4,
        "advantage": score,
        "finished": False,
    }


def _frozen(beam: int) -> Row:
    """A finished answer stands for itself."""
    return {
        "beam": beam,
        "step": "",
        "foresight": "",
        "score": -0.1,
        "probability": 0.5,
        "advantage": 0.0,
        "finished": True,
    }
