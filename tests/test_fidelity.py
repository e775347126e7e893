"""docs/fidelity.md: every option named there is valid, and a run with it does what the page says.

An option is text in backticks that begins with "--"; the heading of its section names the method. It must change what
its part of the recipe is for. Observers of sampling also say what they see in the words of the recipe: `rejected` is
"uniform" when a response was rejected that the foresight distribution would never draw.
"""

import asyncio
import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin

import numpy as np
import pytest
import typer

from genius_bench import registry
from genius_bench.artifacts import Store
from genius_bench.cli.train import app
from genius_bench.corpora import load_corpus
from genius_bench.engines.interface import Completion, Request
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import task_card, tasks_of
from genius_bench.evaluation.protocols import by_opencompass
from genius_bench.evaluation.scores import read_scores
from genius_bench.layers import Layer, parse_assignments
from genius_bench.objectives.online.named import TokenMean
from genius_bench.online_method import OnlineMethod
from genius_bench.recipe import Recipe
from genius_bench.resolution import Resolved, resolve
from genius_bench.rows import Demonstration, Message, Query
from genius_bench.sampling.foresight_options import RELEASED, ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.training.arguments import training_arguments
from genius_bench.training.examples import read_examples
from genius_bench.training.policy import compute_precision
from tests.evaluation.test_stage import right, run
from tests.objectives.test_objectives import batch
from tests.online.observed import loss_of, short_training, step_of, with_entropies
from tests.sampling.scripted import CharacterTokenizer, ScriptedEngine
from tests.trainers.support import text_of
from tests.training.support import make_pairs, make_training_set, save_policy, train

PAGE = (Path(__file__).parents[1] / "docs" / "fidelity.md").read_text(encoding="utf-8")
SMALL: dict[str, Layer] = {
    "genius": {"step_max_tokens": 40, "foresight_max_tokens": 60},
    "meta-rewarding": {"responses": 3, "judgements": 4},
    "self-explore": {"responses": 12},
    "iterative-rpo": {"responses": 12},
    "crest": {"responses": 12},
}
FLAGS = {"--variant": "variant", "--objective": "objective.name", "--corpus": "corpus.name"}


def leaves(layer: Layer, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in layer.items():
        yield from leaves(value, f"{path}{key}.") if isinstance(value, dict) else [(path + key, value)]


class Option(NamedTuple):
    method: str
    text: str

    @property
    def flags(self) -> list[Layer]:
        words = shlex.split(self.text)
        pairs = zip(words[::2], words[1::2], strict=True)
        return [parse_assignments([f"{FLAGS[flag]}={x}" if flag in FLAGS else x]) for flag, x in pairs]

    def claims(self, flag: Layer) -> list[tuple[str, Any]]:
        """What a flag says a run will do; a variant says several things."""
        variant = flag.get("variant")
        said = registry.load("methods", self.method).variants[variant] if variant else flag
        return list(leaves(said))

    def resolved(self, flags: list[Layer]) -> Resolved:
        # Limits that the script below runs into, and fewer responses where the default is dozens. Another model than
        # the lab's, whose presets are other defaults.
        return resolve(
            {"method": self.method, "model": "other", "sampling": SMALL.get(self.method, {})}, *flags
        )


OPTIONS = dict.fromkeys(
    Option(method[1], text)
    for heading, _, body in (section.partition("\n") for section in PAGE.split("\n## "))
    if (method := re.search(r"`--method (\S+)`", heading))
    for text in re.findall(r"`(--[^`]+)`", body)
)


class ChatTokenizer(CharacterTokenizer):
    """Character 1 ends a turn; character 2 begins a sequence, put there by the template and by the tokenizer."""

    bos_token_id: Any = 2
    chat_template: Any = "below"

    def __call__(self, text: str, add_special_tokens: bool = True, verbose: bool = True) -> Any:
        return super().__call__("\x02" * add_special_tokens + text)

    def apply_chat_template(self, messages: Any, tokenize: bool, add_generation_prompt: bool = False) -> str:
        turns = "".join(f"<{message['role']}>{message['content']}\x01" for message in messages)
        return f"\x02{turns}{'<assistant>' * add_generation_prompt}"


class Distributions(ScriptedEngine):
    """Tells entropies too."""

    async def generate(self, request: Request) -> Completion:
        return with_entropies(request, await super().generate(request))


SHARES = {"Hard": (0.55, 0.25, 0.2), "Easy": (0.9, 0.04, 0.06), "Tricky": (0.1, 0.8, 0.1)}
ADVICE = ("Walk in the park.", "Walk in the big park.", "Sleep.", "Read a book.", "Cook soup.", "Sing songs.")
LINES = ("\n", "\n\n", "", "\n")
"""What ends each of the lines that lead to an answer; the second is two."""
PREFERS_FROM = {"self-explore": 2, "dpo-st": 2}
"""The iteration that is observed, where the first one has nothing to see."""
ROUNDS = {"dpo-st": (2, 3), "iterative-rpo": (1, 3)}
"""Iterations between them in which every option matters; the first two where nothing is said."""
ONLINE = ("ttrl", "intuitor", "rent", "empo", "co-rewarding", "wrong-majority")
KINDS = {
    "genius": ["Step by step?"] * 2,
    "self-explore": ["Explore?"] * 2,
    "crest": ["Pick one of 7 (A), 1 (B), 2 (C) for"],
    "certainty": [*SHARES, "Walk?"],
    **{name: [*SHARES, "Scatter?", "Thirds?", "Roots?", "Go on!"] for name in ONLINE},
    "sharpening": ["Ramble?"] * 2,
}
STEPS = ["so be it.", "\n\nso\non", "one\ntwo\n\nthree", "half<end_of_reasoning> and\nmore", "hardly\never"]
CONFIDENCE = (-0.4, -0.5, -0.9, -0.3, -2.5, -0.2)  # the last one's is that of a text without an end


def says(text: str, random: np.random.Generator) -> tuple[str, float]:
    """Something for every option to make a difference to; no two prompts are answered quite alike."""
    if "other words" in text or "otherwise" in text:
        question = next(kind for kind in KINDS["co-rewarding"] if kind in text)
        return f"{'Then' if 'otherwise' in text else 'Well'}: {question}", -0.5
    if "Two judges" in text:
        return f"Winner: {random.choice(['A', 'B'])}", -0.5
    if "Judge" in text:
        remark = "-" * int(random.choice([0, 300]))
        return f"{remark}\nScore: {random.integers(6 if 'fifth point' in text else 3)}", -0.5
    if "Explore" in text:  # every line may be the one from behind which the answer is out of reach
        missing = LINES[text.count("\n") :]
        said = "".join(
            f"{random.choice(['on', 'off'], p=[0.8, 0.2])} {random.integers(99)}{line}" for line in missing
        )
        return f"{said}The answer is {1 if 'off' in text + said else 7}.", -0.5
    if "Yes or No" in text:
        return str(random.choice(["Yes.", "No."])), -0.5
    if "Pick" in text:
        return f"{'-' * random.integers(9)}\nThe answer is {random.choice(['A', 'B', 'C'])}.", -0.5
    if "Ramble" in text:
        return "-" * int(random.integers(400)), -0.5 - random.random()
    if "Walk" in text:
        return str(random.choice(["The answer is 3.", "We walked past many houses, to number 9"])), -0.5
    if "so be it." in text:  # nothing is left to say
        return "", -0.01
    if "Step" in text:
        step = random.integers(6)
        return [*STEPS, "on and on " * 20][step], CONFIDENCE[step]
    if "Scatter" in text:
        return f"The answer is {random.integers(10**6)}.", -0.5
    if "Thirds" in text or "Roots" in text:  # equal as numbers, or as mathematics, and not as texts
        thirds = ["The answer is 1/3.", "The answer is 0.33333333."]
        roots = [r"\boxed{\frac{\sqrt{2}}{2}}", r"\boxed{\frac{1}{\sqrt{2}}}"]
        equal = thirds if "Thirds" in text else roots
        answers = [*equal, "The answer is 3.", "Hm"]
        return str(random.choice(answers, p=[0.45, 0.3, 0.2, 0.05])), -0.5
    if "Go on" in text:
        return f"{'-' * random.integers(4000)} The answer is {random.integers(3)}.", -0.5
    if "Advise" in text:
        return ADVICE[random.integers(len(ADVICE))], -0.5
    rambling = len(text) + random.choice([0, 600], p=[0.9, 0.1])
    shares = next(shares for question, shares in SHARES.items() if question in text)
    answer = 7 if "Hint" in text else random.choice([7, 1, 2], p=shares)
    return f"{'-' * rambling} The answer is {answer}.", -0.5


class Seen(NamedTuple):
    """What a method makes of the queries, and what it asks the engine for."""

    made: list[Any]
    asked: list[Request]
    prompts: list[str]
    rows: list[Any]
    tree: list[Any]
    candidates: list[Any]
    steps: list[str]


@cache
def _sample(method: str, sampling: str, iteration: int) -> Seen:
    resolved, engine = resolve({"method": method, "sampling": json.loads(sampling)}), Distributions(says)
    engine.tokenizer, policy = ChatTokenizer(), Policy(engine, 0, iteration)
    kinds = KINDS.get(method, [*SHARES, "Advise?"])
    texts = [f"{text} {number}" for number, text in enumerate(kinds * (3 if method in ONLINE else 10))]
    turns = [(Message(role="user", content=text),) for text in texts]
    gold = "A" if method == "crest" else "7"
    queries = [Query(id=str(i), messages=turn, reference="7", answer=gold) for i, turn in enumerate(turns)]
    if isinstance(resolved.method, OnlineMethod):
        drawn = step_of(resolved, policy, queries)
        prompts = [text_of(request.prompt_ids) for request in engine.requests]
        return Seen([], engine.requests, prompts, drawn, [], [], [])
    before = range(1, iteration) if resolved.method.builds_on_earlier else ()
    earlier = [_sample(method, sampling, number).made for number in before]
    made: list[Any] = []
    for number, query in enumerate(queries):
        policy.earlier = tuple(one[number] for one in earlier)
        made.append(asyncio.run(resolved.method.collect(query, policy)))
    prompts = [text_of(request.prompt_ids) for request in engine.requests]
    rows = [row for one in made for row in one.rows]
    traced = [step for one in made for step in one.trace or [] if isinstance(step, dict)]
    tree = [step for step in traced if {"candidates", "pit"} & step.keys()]
    candidates = [candidate for step in tree for candidate in step.get("candidates", [])]
    steps = [one["step"] for one in candidates] or [one["pit"] for one in tree if one["pit"]]
    return Seen(made, engine.requests, prompts, rows, tree, candidates, steps)


def sample(r: Resolved, iteration: int = 1) -> Seen:
    return _sample(r.recipe.method, json.dumps(r.recipe.sampling), iteration)


def tau(seen: Seen) -> float:
    f, p = zip(*[(one["score"], one["probability"]) for one in seen.tree[0]["candidates"]], strict=True)
    return round((max(f) - min(f)) / float(np.log(max(p) / min(p))), 6)


def beams(seen: Seen) -> str:
    scores = [([one["score"] for one in step["candidates"]], step["beams"]) for step in seen.tree]
    if any(len(set(kept)) < len(kept) for _, kept in scores):
        return "with_replacement"
    best = all(sorted(f)[-2:] == sorted(f[i] for i in kept) for f, kept in scores)
    return "highest" if best else "without_replacement"


def rejected(seen: Seen) -> str:
    steps = [step for step in seen.tree if step["rejected"] is not None]
    pairs = [(step["candidates"], step["candidates"][step["rejected"]]) for step in steps]
    if all(one["score"] == min(other["score"] for other in others) for others, one in pairs):
        return "lowest"
    return "uniform" if any(one["probability"] < 1e-6 for _, one in pairs) else "foresight_distribution"


def imitated(seen: Seen) -> str:
    texts = [" ".join(text_of(row.response_ids) for row in one.rows) for one in seen.made]
    answers = [set(re.findall(r"answer is (\d)", text)) for text in texts]
    return "gold" if set().union(*answers) == {"7"} else "none"


def selected(seen: Seen) -> str:
    if isinstance(seen.rows[0], Demonstration):
        return "all"
    return "length" if all(len(row.chosen_ids) < len(row.rejected_ids) for row in seen.rows) else "random"


def distinct(seen: Seen) -> str:
    """Nothing of what is said holds an equation: equal texts are the same solution."""
    repeated = any(len({row.response_ids for row in one.rows}) < len(one.rows) for one in seen.made)
    return "no" if repeated else "equations"


SAMPLING: dict[str, Callable[[Seen], Any]] = {
    "tau": tau,
    "beams": beams,
    "rejected": rejected,
    "step_temperature": lambda s: s.asked[0].temperature,
    "foresight_temperature": lambda s: next(one.temperature for one in s.asked if "\n" not in one.stop),
    "step_delimiter": lambda s: "\n" + "\n" * any("\n" in text.strip() for text in s.steps),
    "end_tag": lambda s: "" if "> and" in str(s.tree) else "<end_of_reasoning>",
    "empty_steps": lambda s: "accept" if "\n" in s.steps else "continue",
    "finished": lambda s: "score" if any(c["score"] > -0.1 for c in s.tree[0]["candidates"]) else "freeze",
    "unfinished": lambda s: "drop" if any(one.notes["unfinished"] for one in s.made) else "keep",
    "joining": lambda s: "released" if all(x.strip() + "\n" == x for x in s.steps) else "tokens",
    "answer_prefix": lambda s: s.prompts[0].partition("<assistant>")[2],
    "rendering": lambda s: (
        "released" if [x for x in s.asked[0].prompt_ids if x < 3] == [2, 2] else "template"
    ),
    "training_context": lambda s: "query" if "Step" in text_of(s.rows[0].prompt_ids) else "response_only",
    "score": lambda s: "foresight" if any(one["foresight"] for one in s.candidates) else "step",
    "responses": lambda s: s.prompts.count(s.prompts[0]),
    "temperature": lambda s: s.asked[0].temperature,
    "top_p": lambda s: s.asked[0].top_p,
    "max_tokens": lambda s: s.asked[0].max_tokens,
    "filter": imitated,
    "rationalise": lambda s: any("Hint" in text for text in s.prompts),
    "rows": lambda s: "chains" if isinstance(s.rows[0], Demonstration) else "pairs",
    "selection": selected,
    "formats": lambda s: "mixed" if any("alone" in text_of(row.prompt_ids) for row in s.rows) else "paths",
    "distinct": distinct,
    "judgements": lambda s: max(s.prompts.count(text) for text in s.prompts if "Judge" in text),
    "rubric": lambda s: "additive" if any("fifth point" in text for text in s.prompts) else "short",
    "pairs": lambda s: "all_by_gap" if any(len(one.rows) > 1 for one in s.made) else "best_worst",
    "hot_pool": lambda s: {0: "never", len(s.made): "always"}.get(
        [one.temperature for one in s.asked].count(1.2) // 8, "unanimous"
    ),
    "clustering": lambda s: "kmeans" if {len(one.trace) for one in s.made[3::4]} == {3} else "threshold",
}


def training(r: Resolved) -> Any:
    """What the trainer is told of the paper's 100,000 pairs, and which lengths of rows it is given."""
    section, parts = r.recipe.training, dict[str, Any](chosen_ids=(2,), rejected_ids=(3,))
    precision = compute_precision(section)
    told = training_arguments(section, states=Path(), rows=100_000, precision=precision, seed=0, run_name="")
    if isinstance(r.method, OnlineMethod):
        return told.to_dict()
    pairs = [make_pairs(1, id=f"{n}", prompt_ids=(1,) * n, **parts)[0] for n in (1000, 1200, 2000, 4000)]
    examples = read_examples(map(vars, pairs), r.objective, max_length=section.max_length, vocabulary=9)
    return told.to_dict(), examples.dropped


def reference(r: Resolved) -> bool:
    with TemporaryDirectory() as folder:
        store, policy = Store(Path(folder)), save_policy("llama", Path(folder) / "policy")
        rows = make_training_set(store, make_pairs(2))
        made = train(store, policy, rows, r.objective, reference=r.recipe.training.reference)
        return any(made.rows())  # the log-probabilities that were computed again


def corpus(r: Resolved) -> Any:
    with TemporaryDirectory() as folder:  # in place of the hub
        for name in ("magpie", "openhermes"):
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "a.jsonl").write_text("".join(f'{{"query": "{n}?"}}\n' for n in range(30)))
        found = load_corpus(r.recipe.corpus.model_copy(update={"data": folder, "queries": 9}))
    return found.name, found.ids()


def evaluation(r: Resolved) -> Any:
    section = r.recipe.evaluation
    settings = section.model_dump(include={"samples", "temperature", "max_tokens", "protocol"})
    with TemporaryDirectory() as folder:
        [scores], [engine] = run(Store(Path(folder)), right, limit=2, **settings)
        [headline] = {score.details["headline"] for score in read_scores(scores)}
    cards = [task_card(name).under(section.protocol) for name in ("gsm8k", "logiqa", "alpaca_eval")]
    asked = [(one.temperature, one.max_tokens) for one in engine.requests]
    routes = [(card.shots, card.config["doc_to_text"], by_opencompass(card, section)) for card in cards]
    return tasks_of(section, "other"), asked, headline, routes


def loss(r: Resolved) -> list[float]:
    if isinstance(r.method, OnlineMethod):
        return loss_of(cast(Any, r.objective))
    return [r.objective.row_losses(batch(gap=gap))[0].item() for gap in (0.2, -0.2)]


def teacher_weights(r: Resolved) -> list[float]:
    return [cast(Any, r.method).teacher_weight(progress) for progress in (0.0, 0.5, 1.0)]


EFFECTS: dict[str, Callable[[Resolved], Any]] = {
    "sampling": lambda r: [sample(r, number).rows for number in ROUNDS.get(r.recipe.method, (1, 2))],
    "schedule": lambda r: [r.method.iterations, r.method.restarts_from_base(2), *map(r.settings_of, (1, 4))],
    "objective": loss,
    **dict.fromkeys(("sampling.updates", "sampling.divergence_from"), short_training),
    **dict.fromkeys(("sampling.first_weight", "sampling.last_weight"), teacher_weights),
    "training": training,
    "training.reference": reference,
    "corpus": corpus,
    "evaluation": evaluation,
}


def test_the_command_line_has_these_options() -> None:
    command = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    assert {*FLAGS, "--set", "--method"} <= {flag for one in command.params for flag in one.opts}


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_every_option_does_what_the_page_says(option: Option) -> None:
    after = option.resolved(option.flags)
    for flag in option.flags:
        try:
            before = option.resolved([other for other in option.flags if other != flag])
        except InputError:  # the others are not valid without this one
            before = option.resolved([])
        for key, value in option.claims(flag):
            section, _, name = key.partition(".")
            effect = EFFECTS.get(key, EFFECTS["schedule" if name in after.method.schedule else section])
            assert effect(before) != effect(after), key
            if section == "sampling" and (observe := SAMPLING.get(name)):
                seen = [sample(resolved, PREFERS_FROM.get(option.method, 1)) for resolved in (before, after)]
                assert observe(seen[0]) != observe(seen[1]) == value


def test_no_point_and_no_choice_is_forgotten() -> None:
    """A choice that is added to a method or an objective has to be described before this passes again."""
    assert {f"D{number}" for number in range(1, 36)} <= set(re.findall(r"\bD\d+\b", PAGE))
    assert [name for name in ForesightOptions.model_fields if f"sampling.{name}" not in PAGE] == []
    said = [leaf for option in OPTIONS for flag in option.flags for leaf in leaves(flag)]
    assert [leaf for leaf in leaves(RELEASED) if leaf not in said] == []
    replayed = set(registry.names("methods")) - {"pairs"}  # which is of no paper
    methods = [("sampling", registry.load("methods", name).Options) for name in replayed]
    objectives = [("objective", registry.load("objectives", name)) for name in registry.names("objectives")]
    named = [
        ("objective", registry.load("token_objectives", name)) for name in registry.names("token_objectives")
    ]
    known = {
        f"{section}.{name}"
        for section, options in methods + objectives + named
        for name in options.model_fields
    }
    known |= {key for key, _ in leaves(Recipe().model_dump())}
    assert (
        set(re.findall(r"(?<!docs/)\b(?:sampling|objective|training|corpus|engine|evaluation)\.\w+", PAGE))
        <= known
    )
    # Another program as the engine is all that `correction` is for.
    for section, options in [*methods, *objectives, ("objective", TokenMean)]:
        for name, field in options.model_fields.items():
            kind = field.annotation
            choices = (True, False) if kind is bool else get_args(kind) if get_origin(kind) is Literal else ()
            others = [choice for choice in choices if choice != field.default]
            unsaid = [one for one in others if (f"{section}.{name}", one) not in said]
            assert unsaid == [] or name == "correction", (section, name)
