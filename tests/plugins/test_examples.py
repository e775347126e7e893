"""Each file of the example package, which docs/plugins.md prints whole, does what it says."""

import asyncio
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genius_bench.corpora import load_corpus
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion, Request
from genius_bench.evaluation import sandbox
from genius_bench.evaluation.cards import read_card
from genius_bench.evaluation.data import load_items
from genius_bench.evaluation.facts import TaskFacts
from genius_bench.evaluation.graders import Item, grade
from genius_bench.lab import MODEL_PATH
from genius_bench.objectives.interface import ObjectiveBatch
from genius_bench.online_method import Group
from genius_bench.recipe import CorpusSection, EngineSection
from genius_bench.rows import Demonstration, Message, PreferencePair, Query
from tests.trainers.support import collect, text_of

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "plugins.md"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the package from where the guide takes its text."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return lambda name: importlib.import_module(f"example_plugin.{name}")


def test_the_guide_prints_every_file() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    files = [path for path in (ROOT / "examples").rglob("*.*") if path.suffix in (".py", ".toml", ".yaml")]
    printed = [path for path in files if f'--8<-- "{path.relative_to(ROOT)}"' in text]
    assert {path.name for path in files if path not in printed} == {"__init__.py"}


def test_the_guide_names_every_key_of_a_tasks_metadata() -> None:
    rows = [line.split("|")[1].strip(" `") for line in GUIDE.read_text("utf-8").splitlines() if "|" in line]
    assert set(TaskFacts.model_fields) <= set(rows)


def test_the_method_imitates_the_most_probable_response(load: Any) -> None:
    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        return ("likely", -0.1) if random.random() < 0.3 else ("unlikely", -0.9)

    collected, _ = collect(load("method").ExampleConfidence, script, responses=24)
    [row] = collected.rows
    assert isinstance(row, Demonstration)
    assert text_of(row.response_ids) == "likely"
    assert {entry["text"] for entry in collected.trace} == {"likely", "unlikely"}


def test_the_pair_method_prefers_the_shortest_to_the_longest(load: Any) -> None:
    def script(text: str, random: np.random.Generator) -> tuple[str, float]:
        return str(random.choice(["no", "perhaps", "it depends"])), -0.5

    collected, _ = collect(load("pair_method").ExampleBrevity, script, responses=24)
    [row] = collected.rows
    assert isinstance(row, PreferencePair)
    assert (text_of(row.chosen_ids), text_of(row.rejected_ids)) == ("no", "it depends")
    assert row.reference_chosen_logp == pytest.approx(-0.5 * len(row.chosen_ids))
    same, _ = collect(load("pair_method").ExampleBrevity, lambda text, random: ("no", -0.5))
    assert (same.rows, same.notes) == ([], {"equally_long": 1})


def test_the_online_method_rewards_agreement_and_then_brevity(load: Any) -> None:
    def said(text: str, tokens: int) -> Completion:
        return Completion(token_ids=(1,) * tokens, text=text, logprobs=(-1.0,) * tokens, finish_reason="eos")

    method_class = load("online_method").ExampleAgreement
    query = Query(id="q", messages=(Message(role="user", content="?"),))
    responses = [
        said("The answer is 7.", 8),
        said("The answer is 7.", 4),
        said("The answer is 8.", 2),
        said("Hm", 1),
    ]
    rewards = method_class(method_class.Options()).reward(Group(query, responses, np.random.default_rng(0)))
    assert rewards == [2 - 1, 2 - 1 / 2, 1 - 1 / 4, 0 - 1 / 8]


def test_the_objective_is_the_hinge(load: Any) -> None:
    def row(*values: float) -> torch.Tensor:
        return torch.tensor(values)

    batch = ObjectiveBatch(
        policy_chosen=row(-10.0, -10.0),
        policy_rejected=row(-14.0, -40.0),
        reference_chosen=row(-12.0, -20.0),
        reference_rejected=row(-13.0, -20.0),
        chosen_length=row(5, 5),
        rejected_length=row(5, 5),
        chosen_advantage=row(0, 0),
        rejected_advantage=row(0, 0),
        weight=row(1, 1),
    )
    losses, _ = load("objective").ExampleHinge(beta=0.1).row_losses(batch)
    assert losses.tolist() == pytest.approx([1 - 0.1 * (2 - -1), 0.0])


@pytest.mark.parametrize("task", ["example_parity", "example_power"])
def test_the_tasks_own_solutions_are_right_and_others_wrong(task: str, load: Any) -> None:
    load("items")
    card = read_card(ROOT / "examples" / "example_plugin" / "tasks" / task / "task.yaml")
    items = load_items(card)
    assert (len(set(items.ids)), items.changed) == (card.facts.expected_items, False)
    if task == "example_parity":
        golds = [Item(gold=row["answer"]) for row in items.rows]
        right, wrong = [row["answer"] for row in items.rows], ["Perhaps."] * len(golds)
    elif sandbox.available() is not None:
        pytest.skip(f"no sandbox: {sandbox.available()}")
    else:
        golds = [
            Item(gold=row["code"], tests=tuple(row["tests"]), entry_point=row["entry_point"])
            for row in items.rows
        ]
        right = [f"```python\n{row['code']}\n```" for row in items.rows]
        wrong = [text.replace("**", "+") for text in right]
    assert all(one.correct for one in grade(card.facts.grader, list(zip(right, golds, strict=True))))
    assert not any(one.correct for one in grade(card.facts.grader, list(zip(wrong, golds, strict=True))))


def test_the_corpus_is_drawn_like_any_other(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opener = load("corpus").example_sums
    monkeypatch.setattr("genius_bench.registry.names", lambda kind: ["example-sums"])
    monkeypatch.setattr("genius_bench.registry.load", lambda kind, name: opener)
    corpus = load_corpus(CorpusSection(name="example-sums", queries=50))
    assert len(corpus.queries) == 50
    for query in corpus.queries:
        first, second = query.id.split("+")
        assert query.messages[0]["content"] == f"What is {first} + {second}?"
        assert query.answer == str(int(first) + int(second))


def test_the_engine_generates_as_ours_does(load: Any) -> None:
    settings = EngineSection(precision="float32", device="cpu")
    theirs, ours = load("engine").ExamplePlain(MODEL_PATH, settings), HFEngine(MODEL_PATH, settings)
    prompt = tuple(ours.tokenizer("What is 3 + 4?")["input_ids"])

    def ask(engine: Any, **how: Any) -> Any:
        return asyncio.run(engine.generate(Request(prompt_ids=prompt, max_tokens=24, **how)))

    greedy, reference = (ask(engine, seed=1, temperature=0.0, stop=("\n\n",)) for engine in (theirs, ours))
    assert (greedy.token_ids, greedy.text) == (reference.token_ids, reference.text)
    assert greedy.finish_reason == reference.finish_reason
    assert greedy.logprobs == pytest.approx(reference.logprobs, abs=1e-4)
    drawn = [ask(theirs, seed=seed, temperature=1.0, top_p=0.9) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_engine_keeps_to_its_nucleus(load: Any) -> None:
    logits = torch.tensor([0.5, 0.2, 0.2, 0.1]).log()
    random = torch.Generator().manual_seed(0)
    choose = load("engine").choose
    drawn = [choose(logits, 1.0, 0.7, random) for _ in range(400)]
    assert set(drawn) == {0, 1}  # 0.5 and 0.5 + 0.2: the smallest set that reaches 0.7
    assert drawn.count(0) / 400 == pytest.approx(5 / 7, abs=0.08)
    assert choose(logits, 0.0, 1.0, random) == 0
