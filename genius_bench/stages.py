"""The stages as commands call them, each in a process of its own."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.corpora import Corpus, UnusableRow, check_lengths, listing, load_corpus, stored
from genius_bench.engines.endpoint import served_fingerprint
from genius_bench.engines.exchanging import EnginesInTurn
from genius_bench.engines.loading import ModelFiles, context_of, load_tokenizer
from genius_bench.engines.policy_server import check_server, open_sampler
from genius_bench.engines.rendering import Unrenderable, check_complete, prompt_ids, prompt_text
from genius_bench.engines.turns import outside_thoughts, require_turn
from genius_bench.errors import InputError
from genius_bench.online.conditions import check_online
from genius_bench.online_method import OnlineMethod
from genius_bench.processes import in_own_process
from genius_bench.recipe import CorpusSection, EngineSection, EvaluationSection
from genius_bench.resolution import Resolved
from genius_bench.rows import Query

if TYPE_CHECKING:
    from genius_bench.contamination.gate import Gate
    from genius_bench.engines.endpoint import Endpoint
    from genius_bench.evaluation.asking import LazyEngine
    from genius_bench.evaluation.controls import Asked
    from genius_bench.evaluation.stage import Known


def read_corpus(home: Path, resolved: Resolved, base: ModelFiles) -> Corpus:
    """Reads and checks: the queries of a recipe, which then lie in the store."""
    return in_own_process(_read_corpus, home, resolved, base)


def _read_corpus(home: Path, resolved: Resolved, base: ModelFiles) -> Corpus:
    return stored(usable_corpus(resolved, base, home), Store(home))


def usable_corpus(resolved: Resolved, base: ModelFiles, folder: Path | None = None) -> Corpus:
    """The recipe's queries, checked against what the method needs and the model can read.

    A large draw lies in `folder` (or among the system's temporary files) for as long as the corpus is in use.
    """
    section = resolved.recipe.corpus
    corpus = load_corpus(section, folder, preferences="pairs" in resolved.method.needs)
    _check_labels(corpus, resolved)
    tokenizer = load_tokenizer(base.path, resolved.recipe.engine.chat_template)
    turn = require_turn(tokenizer) if "references" in resolved.method.needs else None

    def count_tokens(query: Query) -> int:
        try:
            prompt = prompt_text(tokenizer, query.messages)
            check_complete(prompt, query.messages)
        except Unrenderable as error:
            raise UnusableRow(f"cannot be asked: {error}", "refused by the chat template") from error
        try:
            if turn is not None:
                outside_thoughts(prompt + turn.before, query.reference or "")
        except InputError as error:
            raise UnusableRow(f"cannot be taught: {error}", "cannot be taught") from error
        return len(prompt_ids(tokenizer, prompt))

    limit, limited_by = section.max_prompt_tokens, "corpus.max_prompt_tokens"
    context = context_of(base)
    if context is not None and context <= limit:
        limit, limited_by = context - 1, f"the model's context of {context}"
    usable = check_lengths(corpus, count_tokens, limit, limited_by=limited_by, skip=section.skip_bad_rows)
    if usable is not corpus:
        _check_labels(usable, resolved)  # other rows have taken places
    _check_number(usable, section)
    return usable


def _check_number(corpus: Corpus, section: CorpusSection) -> None:
    if section.queries is not None and len(corpus.queries) < section.queries:
        raise InputError(
            f"corpus {corpus.name} has {len(corpus.queries)} queries that can be asked, fewer than the "
            f"{section.queries} wanted (corpus.queries); left out: {listing(corpus.skipped)}"
        )


def look_for_overlap(corpus: Corpus, tasks: list[str], settings: EvaluationSection) -> "Gate":
    """Whether training queries hold items that the run will be scored on."""
    return in_own_process(_look_for_overlap, corpus, tasks, settings)


def _look_for_overlap(corpus: Corpus, tasks: list[str], settings: EvaluationSection) -> "Gate":
    from genius_bench.contamination.gate import check_queries

    return check_queries(corpus, tasks, settings)


def _check_labels(corpus: Corpus, resolved: Resolved) -> None:
    """Raises `InputError` where the method (or, of pairs, its objective) needs what some rows do not have."""
    needs = resolved.method.needs
    for label, field in (("references", "reference"), ("answers", "answer")):
        if label in needs:
            hint = f"name their column with --set corpus.{field}_column=NAME"
            _check_label(corpus, resolved, label, hint, attrgetter(field))
    if "pairs" in needs and resolved.objective.eats == "pairs":
        hint = "their column is 'rejected'; demonstrations are trained on with --objective sft"
        _check_label(
            corpus,
            resolved,
            "rejected responses",
            hint,
            lambda query: (query.preference or {}).get("rejected"),
        )


def _check_label(
    corpus: Corpus, resolved: Resolved, label: str, hint: str, label_of: Callable[[Any], Any]
) -> None:
    missing, first = 0, ""
    for query in corpus.queries:
        if label_of(query) is None:
            missing, first = missing + 1, first or query.id
    if missing:
        raise InputError(
            f"method '{resolved.method.name}' needs {label}, but {missing} of {len(corpus.queries)} rows of corpus "
            f"{corpus.name} have none (first: '{first}'); {hint}"
        )


def collect(
    home: Path, resolved: Resolved, corpus: Corpus, policy: ModelFiles, earlier: Sequence[Artifact]
) -> Artifact:
    """Samples and curates: the training set of the iteration after those whose training sets are `earlier`."""
    return in_own_process(_collect, home, resolved, corpus, policy, earlier)


def _collect(
    home: Path, resolved: Resolved, corpus: Corpus, policy: ModelFiles, earlier: Sequence[Artifact]
) -> Artifact:
    from genius_bench.sampling.collecting import collect, training_set

    store = Store(home)
    collection = collect(
        store,
        resolved.method,
        corpus=corpus,
        policy_fingerprint=served_fingerprint(policy, resolved.recipe.engine),
        open_engine=lambda: open_sampler(policy, resolved.recipe.engine),
        seed=resolved.recipe.seed,
        iteration=len(earlier) + 1,
        earlier=[store.named("collection", made.manifest["inputs"]["collection"]) for made in earlier],
        queries_in_flight=max(4, resolved.recipe.engine.max_batch // 2),
    )
    return training_set(store, collection)


def check_recipe(home: Path, resolved: Resolved, *, here: bool = True) -> None:
    """Raises `InputError` where the recipe cannot be followed as it is; before hours of sampling.

    `here`: on this machine, whose devices and packages are looked at too.
    """
    if isinstance(resolved.method, OnlineMethod):
        check_online(resolved.recipe, resolved.method)
    check_server(resolved.recipe.engine, resolved.method.iterations)
    if resolved.recipe.launch.launcher != "none":
        in_own_process(_check_launch, home, resolved, here)


def _check_launch(home: Path, resolved: Resolved, here: bool) -> None:
    from genius_bench.training.arguments import micro_batches
    from genius_bench.training.conditions import check_launch, processes_of

    launch = resolved.recipe.launch
    if here:
        check_launch(launch, home)
    if isinstance(resolved.method, OnlineMethod):
        return
    for iteration in range(1, resolved.method.iterations + 1):
        micro_batches(resolved.settings_of(iteration)[1], processes_of(launch))


def optimise(
    home: Path, resolved: Resolved, training_set: Artifact, policy: ModelFiles, iteration: int
) -> Artifact:
    """Trains: the checkpoint of one iteration."""
    return in_own_process(_optimise, home, resolved, training_set, policy, iteration)


def _optimise(
    home: Path, resolved: Resolved, training_set: Artifact, policy: ModelFiles, iteration: int
) -> Artifact:
    from genius_bench.training.stage import optimise

    objective, training = resolved.settings_of(iteration)
    return optimise(
        Store(home),
        policy_path=policy.path,
        policy_fingerprint=policy.fingerprint,
        training_set=training_set,
        objective=objective,
        training=training,
        seed=resolved.recipe.seed,
        launch=resolved.recipe.launch,
    )


def learn_online(home: Path, resolved: Resolved, corpus: Corpus, policy: ModelFiles) -> Artifact:
    """Samples, rewards and trains, step by step: the checkpoint of an online method."""
    return in_own_process(_learn_online, home, resolved, corpus, policy)


def _learn_online(home: Path, resolved: Resolved, corpus: Corpus, policy: ModelFiles) -> Artifact:
    from genius_bench.online.stage import learn_online

    assert isinstance(resolved.method, OnlineMethod)
    objective, training = resolved.settings_of(1)
    return learn_online(
        Store(home),
        resolved.method,
        corpus=corpus,
        policy=policy,
        objective=objective,
        training=training,
        engine=resolved.recipe.engine,
        seed=resolved.recipe.seed,
        launch=resolved.recipe.launch,
        rephrasings=rephrase(Store(home), resolved, corpus, policy) if resolved.method.rephrases else None,
    )


def rephrase(store: Store, resolved: Resolved, corpus: Corpus, policy: ModelFiles) -> Artifact:
    """The corpus in other words, by the policy as it is."""
    from genius_bench.sampling.collecting import collect
    from genius_bench.sampling.rephrasing import Rephrasing, RephrasingOptions

    engine = resolved.recipe.engine
    names = RephrasingOptions.model_fields
    options = RephrasingOptions(**{name: getattr(resolved.method.options, name) for name in names})
    return collect(
        store,
        Rephrasing(options),
        corpus=corpus,
        policy_fingerprint=served_fingerprint(policy, engine),
        open_engine=lambda: open_sampler(policy, engine),
        seed=resolved.recipe.seed,
        queries_in_flight=engine.max_batch,
    )


def audit(home: Path, checkpoint: Artifact, corpus: Corpus) -> str | None:
    """What an online training did by the answers that it never saw, in words; None where the corpus has none."""
    return in_own_process(_audit, home, checkpoint, corpus)


def _audit(home: Path, checkpoint: Artifact, corpus: Corpus) -> str | None:
    from genius_bench.online.audit import FILE, audit, in_words

    audited = audit(Store(home), checkpoint, corpus)
    epochs = checkpoint.manifest["parameters"]["training"]["epochs"]
    return in_words(audited.json(FILE), epochs) if audited else None


def evaluate(
    home: Path,
    models: "Sequence[ModelFiles | Endpoint]",
    asked: "Sequence[Sequence[Asked]]",
    engine: EngineSection,
) -> list[list[list[Artifact]]]:
    """Scores: for every model and all that is asked of it (settings and tasks) one artifact per task."""
    return in_own_process(_evaluate, home, models, asked, engine)


def _evaluate(
    home: Path,
    models: "Sequence[ModelFiles | Endpoint]",
    asked: "Sequence[Sequence[Asked]]",
    engine: EngineSection,
) -> list[list[list[Artifact]]]:
    judge = asked[0][0][0].judge
    engines = EnginesInTurn(
        engine, keep=judge.model is None or judge.url is not None
    )  # else it needs the memory
    known: Known = {}
    try:
        return [
            _evaluate_one(home, model, of_it, engine, engines, known)
            for model, of_it in zip(models, asked, strict=True)
        ]
    finally:
        engines.close()


def _evaluate_one(
    home: Path,
    model: "ModelFiles | Endpoint",
    asked: "Sequence[Asked]",
    engine: EngineSection,
    engines: EnginesInTurn,
    known: "Known",
) -> list[list[Artifact]]:
    """All that is asked of one model, by one engine."""
    from genius_bench.evaluation.asking import LazyEngine

    ours = LazyEngine(lambda: engines.open(model))

    def give_memory_back() -> None:
        ours.close()
        engines.close()

    try:
        return [
            _evaluate_under(home, model, tasks, settings, engine, ours, known, give_memory_back)
            for settings, tasks in asked
        ]
    finally:
        ours.close()


def _evaluate_under(
    home: Path,
    model: "ModelFiles | Endpoint",
    tasks: list[str],
    settings: EvaluationSection,
    engine: EngineSection,
    ours: "LazyEngine",
    known: "Known",
    give_memory_back: Callable[[], None],
) -> list[Artifact]:
    """By our own engines and graders, then (when these have given their memory back) by OpenCompass."""
    from genius_bench import opencompass
    from genius_bench.evaluation.protocols import by_opencompass
    from genius_bench.evaluation.stage import evaluate, task_card, warn

    cards = {name: task_card(name).under(settings.protocol) for name in tasks}
    elsewhere = [name for name, card in cards.items() if by_opencompass(card, settings)]
    here = [name for name in tasks if name not in elsewhere]
    scores = evaluate(
        Store(home),
        model=model,
        engine=ours,
        checkpoint_fingerprint=served_fingerprint(model, engine),
        tasks=here,
        settings=settings,
        engine_settings=engine,
        known=known,
    )
    found = dict(zip(here, scores, strict=True))
    if elsewhere:
        give_memory_back()
        place = home.absolute()  # OpenCompass runs in folders of its own
        theirs = opencompass.evaluate(
            Store(place), tasks=elsewhere, model=model, engine=engine, settings=settings, home=place
        )
        for name, artifact in zip(elsewhere, theirs, strict=True):
            warn(cards[name], artifact)
            found[name] = artifact
    return [found[name] for name in tasks]
