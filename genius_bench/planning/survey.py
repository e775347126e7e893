"""What a recipe would read and make, and what of it is there: looked up by the stages' own code, nothing is run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.artifacts import Artifact
from genius_bench.corpora import Corpus, load_corpus
from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.loading import ModelFiles, fingerprint, load_tokenizer, locate, resolve_model
from genius_bench.engines.rendering import render
from genius_bench.errors import InputError
from genius_bench.judging.cost import BYTES_PER_TOKEN
from genius_bench.offline import go_offline
from genius_bench.online_method import OnlineMethod
from genius_bench.planning.amounts import Amount, assumed, counted, found
from genius_bench.planning.ledger import Ledger, Seen, seen
from genius_bench.resolution import Resolved
from genius_bench.rows import Query
from genius_bench.sampling.collecting import collect, training_set, visible_part
from genius_bench.stages import rephrase, usable_corpus

if TYPE_CHECKING:
    from genius_bench.training.examples import Example

PROMPTS_READ = 1000
"""Queries whose prompts are counted: the draw is in random order, so its beginning stands for all of it."""
USUAL_QUERIES = {"magpie": 25_000, "openhermes": 32_000}
"""What the paper's corpora draw when the recipe names no number (`corpora.named`)."""
ASSUMED_PROMPT_TOKENS = 250.0


@dataclass(frozen=True, kw_only=True)
class CorpusSeen:
    """`prompt_tokens` and `longest_prompt` are the mean and the longest of a prompt."""

    name: str
    queries: Amount
    prompt_tokens: Amount
    longest_prompt: Amount


@dataclass(frozen=True, kw_only=True)
class TrainingRows:
    """Rows of a training set, their tokens, and those of the longest sequence."""

    rows: Amount
    tokens: Amount
    longest: Amount


@dataclass(frozen=True, kw_only=True)
class RoundSeen:
    """One iteration. `rows` are those of a training set that is there.

    What an online method draws lies in its checkpoint, and is not there before or after.
    """

    collection: Seen
    training_set: Seen
    checkpoint: Seen
    rows: TrainingRows | None


@dataclass(frozen=True, kw_only=True)
class TrainingSeen:
    """A recipe without its evaluation. `policies` are the base and every checkpoint, made or promised.

    `on_the_way` are the checkpoints within rounds (`training.eval_every`) that are there.
    """

    corpus: CorpusSeen
    rounds: list[RoundSeen]
    policies: list[ModelFiles]
    on_the_way: list[ModelFiles]


def base_files(name: str, *, weights: bool) -> ModelFiles:
    """The model as stages know it; without `weights`, its small files are enough and only these are fetched."""
    if weights:
        return resolve_model(name)
    folder = locate(name, weights=False)
    return ModelFiles(name, folder, fingerprint(folder))


def survey_training(home: Path, resolved: Resolved, base: ModelFiles, *, offline: bool) -> TrainingSeen:
    """With `offline`, a corpus or tokenizer that is not on this machine is no error: numbers are assumed instead."""
    if offline:
        go_offline()
    corpus = _corpus(resolved, base, offline)
    ledger = Ledger(home)
    rounds: list[RoundSeen] = []
    policies, collections = [base], list[Artifact]()
    on_the_way: list[ModelFiles] = []
    for iteration in range(1, resolved.method.iterations + 1):
        if isinstance(resolved.method, OnlineMethod):
            rounds.append(_online_round(ledger, resolved, resolved.method, corpus, base))
        else:
            start = base if resolved.method.restarts_from_base(iteration) else policies[-1]
            collections.append(_collection(ledger, resolved, corpus, policies[-1], collections))
            rounds.append(_round(ledger, resolved, collections[-1], start, iteration))
        name = f"{resolved.method.name} {iteration}"
        checkpoint = rounds[-1].checkpoint
        policies.append(_policy(checkpoint, name))
        if checkpoint.found:
            on_the_way += _on_the_way(checkpoint.path, name)
    counts = _corpus_seen(corpus, resolved, base)
    return TrainingSeen(corpus=counts, rounds=rounds, policies=policies, on_the_way=on_the_way)


def _policy(checkpoint: Seen, name: str) -> ModelFiles:
    """Of one that is not there nobody knows the weights, but whatever comes of them is determined by its key."""
    if checkpoint.found:
        return replace(resolve_model(str(checkpoint.path / "model")), name=name)
    return ModelFiles(name, checkpoint.path / "model", f"of {checkpoint.key}")


def _on_the_way(checkpoint: Path, name: str) -> list[ModelFiles]:
    from genius_bench.training.stage import checkpoints_on_the_way

    return [
        replace(resolve_model(str(folder)), name=f"{name} step {step}")
        for step, (folder, _) in checkpoints_on_the_way(checkpoint).items()
    ]


def _round(
    ledger: Ledger, resolved: Resolved, collection: Artifact, start: ModelFiles, iteration: int
) -> RoundSeen:
    from genius_bench.training.stage import optimise

    made = training_set(ledger, collection)
    objective, training = resolved.settings_of(iteration)
    checkpoint = optimise(
        ledger,
        policy_path=start.path,
        policy_fingerprint=start.fingerprint,
        training_set=made,
        objective=objective,
        training=training,
        seed=resolved.recipe.seed,
    )
    return RoundSeen(
        collection=seen(collection),
        training_set=seen(made),
        checkpoint=seen(checkpoint),
        rows=_rows(examples_of(made.rows(), resolved, start, iteration)) if made.reused else None,
    )


def _online_round(
    ledger: Ledger, resolved: Resolved, method: OnlineMethod, corpus: Corpus | None, base: ModelFiles
) -> RoundSeen:
    from genius_bench.online.stage import learn_online

    if corpus is None:
        made = _of_nothing(ledger, "checkpoint", resolved, base, 1)
    else:
        objective, training = resolved.settings_of(1)
        made = learn_online(
            ledger,
            method,
            corpus=corpus,
            policy=base,
            objective=objective,
            training=training,
            engine=resolved.recipe.engine,
            seed=resolved.recipe.seed,
            rephrasings=rephrase(ledger, resolved, corpus, base) if method.rephrases else None,
        )
    checkpoint = seen(made)
    drawn = replace(checkpoint, key=f"{checkpoint.key} rollouts")
    return RoundSeen(
        collection=drawn, training_set=replace(drawn, state="to make"), checkpoint=checkpoint, rows=None
    )


def _of_nothing(
    ledger: Ledger, kind: str, resolved: Resolved, policy: ModelFiles, iteration: int
) -> Artifact:
    """What would be made of a corpus that is not here: of what is in it, nothing could be told."""
    key = f"{policy.fingerprint} {resolved.recipe.corpus.model_dump_json()} {iteration}"
    return Artifact(kind, key, ledger.home / "nowhere", reused=False)


def _rows(examples: "list[Example]") -> TrainingRows:
    return TrainingRows(
        rows=found(len(examples)),
        tokens=found(sum(example.tokens for example in examples)),
        longest=counted(max(example.longest_sequence for example in examples)),
    )


def _collection(
    ledger: Ledger,
    resolved: Resolved,
    corpus: Corpus | None,
    policy: ModelFiles,
    earlier: Sequence[Artifact],
) -> Artifact:
    iteration = len(earlier) + 1
    if corpus is None:
        return _of_nothing(ledger, "collection", resolved, policy, iteration)
    return collect(
        ledger,
        resolved.method,
        corpus=corpus,
        policy_fingerprint=served_fingerprint(policy, resolved.recipe.engine),
        open_engine=_never,
        seed=resolved.recipe.seed,
        iteration=iteration,
        earlier=earlier,
    )


def examples_of(
    rows: Iterable[dict[str, Any]], resolved: Resolved, start: ModelFiles, iteration: int
) -> "list[Example]":
    """The rows that would be trained on."""
    from genius_bench.planning.shape import own_folder, read_config
    from genius_bench.training.examples import read_examples

    objective, training = resolved.settings_of(iteration)
    vocabulary = read_config(own_folder(start.path)).get_text_config().vocab_size
    return read_examples(rows, objective, max_length=training.max_length, vocabulary=vocabulary).kept


def _corpus(resolved: Resolved, base: ModelFiles, offline: bool) -> Corpus | None:
    section = resolved.recipe.corpus
    local = section.name == "lab" or section.data is not None or Path(section.name).expanduser().exists()
    try:
        if any(base.path.glob("tokenizer*")) or not offline:
            return usable_corpus(resolved, base)
        return load_corpus(section)
    except InputError:
        if not offline or local:
            raise
    if section.queries is None and section.name not in USUAL_QUERIES:
        raise InputError(
            f"corpus {section.name} is not on this machine: say with --queries how many to plan for"
        )
    return None


def _corpus_seen(corpus: Corpus | None, resolved: Resolved, base: ModelFiles) -> CorpusSeen:
    section = resolved.recipe.corpus
    if corpus is None:
        return CorpusSeen(
            name=section.name,
            queries=counted(section.queries or USUAL_QUERIES[section.name]),
            prompt_tokens=assumed(ASSUMED_PROMPT_TOKENS),
            longest_prompt=assumed(section.max_prompt_tokens),
        )
    exact = any(base.path.glob("tokenizer*"))
    tokenizer = load_tokenizer(base.path, resolved.recipe.engine.chat_template) if exact else None
    lengths = [_length(query, tokenizer) for query in islice(corpus.queries, PROMPTS_READ)]
    amount = counted if exact else assumed
    return CorpusSeen(
        name=corpus.name,
        queries=counted(len(corpus.queries)),
        prompt_tokens=amount(sum(lengths) / len(lengths)),
        longest_prompt=amount(max(lengths)),
    )


def _length(query: Query, tokenizer: Any) -> int:
    if tokenizer is not None:
        return len(render(tokenizer, query.messages))
    return sum(len(message["content"].encode()) for message in query.messages) // BYTES_PER_TOKEN + 1


def first_queries(resolved: Resolved, base: ModelFiles, number: int) -> list[Query]:
    """The beginning of the draw, as the method may see it."""
    corpus = visible_part(usable_corpus(resolved, base), resolved.method)
    return list(islice(corpus.queries, number))


def _never() -> Any:
    raise AssertionError("a plan opens no engine")
