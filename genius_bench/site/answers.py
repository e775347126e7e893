"""Graded answers in packs of a few megabytes: verdicts to filter by in one file, texts to read and search in another,
the prompts that were answered in a third.

A pack holds the answers of several models to one task. It is named by what it holds, so building again writes only
packs with something new in them. Verdicts are one character an answer, so those of a million are a megabyte.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from genius_bench.artifacts import Artifact, Store
from genius_bench.integrity import digest_of
from genius_bench.reporting.scored import Scored
from genius_bench.site.columns import Columns, columns_of
from genius_bench.site.folder import Folder
from genius_bench.site.holdings import SHORT, Group
from genius_bench.site.problems import Problems
from genius_bench.site.scripts import shortened

FORMAT = 3
"""Raise it when packs are written differently."""
PACK_BYTES = 400_000
"""Of Parquet in a pack: compressed, so its scripts are several times as long."""
PACK_SETS = 128
PARTS = ("verdicts", "texts", "prompts")
ASKED = ("item_id", "repeat", "seed", "prompt")
LONGEST_PROMPT = 20_000
"""Characters: the examples of many shots are longer than anybody reads."""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FLAGS = ("correct", "released_correct", "format_failure", "truncated", "empty", "error")
"""Bit 0, 1, … of an answer's verdict: a character of `ALPHABET`. Answers that nothing could be decided about are so few
that their places are listed instead."""
COLUMNS = (
    *(
        "item_id",
        "repeat",
        "question",
        "gold",
        "response",
        "extracted",
        "released_extracted",
        "finish_reason",
    ),
    *("response_tokens", "error_message", "ungraded_because", "judgements", "judge_errors", *FLAGS),
)


@dataclass(frozen=True)
class Set:
    """A model's answers to a task: one `scores` artifact."""

    group: str
    task: str
    model: Scored
    scores: Artifact

    @property
    def name(self) -> list[str]:
        return [self.group, self.task, self.model.fingerprint, self.scores.key]


def write_answers(
    folder: Folder, store: Store, groups: list[Group], problems: Problems
) -> list[dict[str, Any]]:
    """Writes all packs and returns the directory of them: for each its files, task, and the models in it."""
    return [
        entry
        for group in groups
        for task in group.tasks
        for sets in _packs(group, task)
        if (entry := _write_pack(folder, store, sets, problems))
    ]


def _packs(group: Group, task: str) -> Iterator[list[Set]]:
    """Oldest scores first, so that a new model changes the last pack alone."""
    sets = [Set(group.id, task, one, one.artifacts[task]) for one in group.models if task in one.artifacts]
    sized = [(one, sum(shard.stat().st_size for shard in one.scores.shards())) for one in sets]
    sized.sort(key=lambda pair: (pair[0].scores.manifest.get("finished_at", ""), pair[0].scores.key))
    pack: list[Set] = []
    size = 0
    for one, bytes_of_one in sized:
        if pack and (size + bytes_of_one > PACK_BYTES or len(pack) == PACK_SETS):
            yield pack
            pack, size = [], 0
        pack.append(one)
        size += bytes_of_one
    if pack:
        yield pack


def _write_pack(folder: Folder, store: Store, sets: list[Set], problems: Problems) -> dict[str, Any] | None:
    name = _name(sets)
    if not all(folder.has(f"data/{name}-{part}.js") for part in PARTS):
        pack = _Pack()
        read = []
        for one in sets:
            with problems.skipping(f"answers {one.scores.key[:SHORT]} ({one.model.label}, {one.task})"):
                pack.add(columns_of(one.scores, COLUMNS), _asked(store, one.scores, problems))
                read.append(one)
        if not read:
            return None
        sets, name = read, _name(read)
        folder.write_data(f"{name}-verdicts", pack.verdicts())
        folder.write_data(f"{name}-texts", pack.texts)
        folder.write_data(f"{name}-prompts", pack.prompts)
    models = [one.model.fingerprint[:SHORT] for one in sets]
    return {"file": name, "group": sets[0].group, "task": sets[0].task, "models": models}


def _name(sets: list[Set]) -> str:
    return f"answers/{digest_of([FORMAT, [one.name for one in sets]])[:20]}"


def _asked(store: Store, scores: Artifact, problems: Problems) -> Columns:
    """How the answers were asked for: item, repeat, seed and (once an item) the prompt; empty where they are gone."""
    answers = store.find("generations", scores.manifest["inputs"].get("generations", "-"))
    if answers is not None:
        with problems.skipping(f"generations {answers.key[:SHORT]}"):
            return columns_of(answers, ASKED)
    return {}


@dataclass
class _Pack:
    """Questions, and the order in which they were answered, are kept once however many models answered them so."""

    questions: list[list[str]] = field(default_factory=list)
    layouts: list[dict[str, list[Any]]] = field(default_factory=list)
    sets: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, list[Any]] = field(default_factory=lambda: {"seeds": [], "sets": []})
    prompts: dict[str, list[Any]] = field(default_factory=lambda: {"texts": [], "asked": [], "sets": []})
    """Each prompt once; item → the place of its prompt, once however many models were asked so; and which of these a
    set was asked. Loaded when somebody wants to see a prompt."""
    _known: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _known_prompts: dict[str, int] = field(default_factory=dict)

    def add(self, columns: Columns, asked: Columns) -> None:
        seeds = _by_answer(asked, "seed")
        questions = [
            self._question(*named)
            for named in zip(columns["item_id"], columns["question"], columns["gold"], strict=True)
        ]
        layout = {"question": questions, "repeat": columns["repeat"]}
        names = zip(columns["item_id"], columns["repeat"], strict=True)
        drawn = [str(seeds.get(name, "")) for name in names]
        marks = "".join(ALPHABET[flags] for flags in _flags(columns))
        ungraded = list(_marked(columns, "ungraded_because"))
        self.sets.append(
            {"layout": _place(self.layouts, layout), "flags": marks, "ungraded": ungraded} | _judged(columns)
        )
        self.texts["sets"].append({"seeds": _place(self.texts["seeds"], drawn)} | _texts(columns))
        prompts = {
            item: self._prompt(shortened(text, LONGEST_PROMPT))
            for (item, _), text in _by_answer(asked, "prompt").items()
            if text
        }
        self.prompts["sets"].append(_place(self.prompts["asked"], prompts))

    def verdicts(self) -> dict[str, Any]:
        return {"questions": self.questions, "layouts": self.layouts, "sets": self.sets}

    def _prompt(self, text: str) -> int:
        found = self._known_prompts.setdefault(text, len(self.prompts["texts"]))
        if found == len(self.prompts["texts"]):
            self.prompts["texts"].append(text)
        return found

    def _question(self, item: str, question: str, gold: str) -> int:
        found = self._known.setdefault((item, question, gold), len(self.questions))
        if found == len(self.questions):
            self.questions.append([item, shortened(question), shortened(gold)])
        return found


def _by_answer(asked: Columns, name: str) -> dict[tuple[str, int], Any]:
    """(item, repeat) → a column's value; nothing where there is no such column."""
    if name not in asked:
        return {}
    return dict(zip(zip(asked["item_id"], asked["repeat"], strict=True), asked[name], strict=True))


def _flags(columns: Columns) -> Iterator[int]:
    """A judge's share of a win counts as right above a half."""
    marks = [[float(value or 0) > 0.5 for value in columns[name]] for name in FLAGS]
    return (sum(on << bit for bit, on in enumerate(row)) for row in zip(*marks, strict=True))


def _judged(columns: Columns) -> dict[str, Any]:
    """A judge's shares, where the answers were judged and not graded."""
    values = columns["correct"]
    return {} if all(isinstance(value, bool) for value in values) else {"shares": values}


def _texts(columns: Columns) -> dict[str, Any]:
    extracted, released = columns["extracted"], columns["released_extracted"]
    texts: dict[str, Any] = {
        "response": [shortened(text) for text in columns["response"]],
        "extracted": [shortened(text, 400) for text in extracted],
        # None where the published rules took the same
        "released": [
            None if theirs == ours else shortened(theirs, 400)
            for ours, theirs in zip(extracted, released, strict=True)
        ],
        "finish": columns["finish_reason"],
        "tokens": columns["response_tokens"],
        "errors": {str(place): text for place, text in _marked(columns, "error_message").items()},
        "ungraded": {str(place): text for place, text in _marked(columns, "ungraded_because").items()},
    }
    for name in ("judgements", "judge_errors"):
        if any(columns.get(name, ())):
            texts[name] = [[shortened(str(one), 4000) for one in said or ()] for said in columns[name]]
    return texts


def _marked(columns: Columns, name: str) -> dict[int, str]:
    """Place → text, of the answers that have one; none where the scores are older than the column."""
    return {place: text for place, text in enumerate(columns.get(name, ())) if text}


def _place(known: list[Any], value: Any) -> int:
    """Where `value` stands among those known; at their end when it is new."""
    if value not in known:
        known.append(value)
    return known.index(value)
