"""Between lm-eval and us: it builds the prompts of a task, and we answer them.

lm-eval's own engine wrappers are not used: they give repeats one seed, and their cache forgets the model.
"""

import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from unittest import mock

from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager
from lm_eval.utils import env

from genius_bench.errors import InputError
from genius_bench.evaluation.asking import Prompt
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, Row
from genius_bench.rows import Message

EXAMPLES = "examples"
"""What the split of the solved examples is called here, whichever they came from."""


def prompts_of(card: TaskCard, items: Items, *, repeats: range, limit: int | None) -> list[Prompt]:
    """What a task asks, one prompt a repeat and item, as lm-eval builds it."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = TaskManager(include_defaults=False).load([_configuration(card, items, len(repeats))])
    bridge = _Bridge(repeats, _conversations(card, items))
    with (
        mock.patch("lm_eval.api.task.tqdm", lambda wrapped, **_: wrapped),  # we show progress of our own
        mock.patch("lm_eval.api.task.utils.apply_template", rendered),  # lm-eval compiles it for every item
    ):
        evaluate(
            bridge,
            tasks,
            limit=limit,
            bootstrap_iters=0,
            log_samples=False,
            apply_chat_template=True,
            fewshot_as_multiturn=True,
        )
    return bridge.prompts


def question_text(card: TaskCard, row: Row) -> str:
    """The item's question as the model reads it, without solved examples."""
    return rendered(card.config["doc_to_text"], row)


def rendered(template: str, row: Row) -> str:
    """A template of a task file, filled in with an item's columns."""
    return _compiled(template).render(**row)


_compiled = lru_cache(maxsize=256)(env.from_string)


def gold_text(card: TaskCard, row: Row) -> str:
    """The item's gold answer as the task file renders it (not lm-eval's `doc_to_target`, which turns "[2, 3]"
    into a list)."""
    template = card.config["doc_to_target"]
    return str(row[template]) if template in row else rendered(template, row)


class _Bridge(LM):
    """The model as lm-eval sees it, which writes down what it is asked and says nothing.

    A "rendered chat" is the messages as JSON: token ids are made later, once.
    """

    tokenizer_name = "messages"

    def __init__(self, repeats: range, conversations: Sequence[tuple[Message, ...]] | None) -> None:
        super().__init__()
        self.prompts: list[Prompt] = []
        self.repeats = repeats
        self.conversations = conversations

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        return json.dumps(chat_history)

    def generate_until(self, requests: list[Any]) -> list[str]:
        seen: dict[int, int] = {}
        for request in requests:
            messages, options = request.args
            number = seen.get(request.doc_id, 0)
            seen[request.doc_id] = number + 1
            self.prompts.append(
                Prompt(
                    index=request.doc_id,
                    repeat=self.repeats[number],
                    messages=self.conversations[request.doc_id] if self.conversations else _turns(messages),
                    stop=_stops(options.get("until")),
                )
            )
        return [""] * len(requests)

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise InputError(
            "a task file must say output_type: generate_until; likelihood tasks are not supported"
        )

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise InputError(
            "a task file must say output_type: generate_until; likelihood tasks are not supported"
        )


def _turns(messages: str) -> tuple[Message, ...]:
    return tuple(Message(role=turn["role"], content=turn["content"]) for turn in json.loads(messages))


def _conversations(card: TaskCard, items: Items) -> list[tuple[Message, ...]] | None:
    """The turns so far of tasks that begin in mid-conversation, which lm-eval has no word for."""
    column = card.facts.conversation
    if column is None:
        return None
    return [tuple(Message(role=t["role"], content=t["content"]) for t in row[column]) for row in items.rows]


class _Docs(list[Row]):
    """A split as lm-eval wants it: rows, and the names of their columns."""

    def __init__(self, rows: list[Row]) -> None:
        super().__init__(rows)
        self.features = {column: None for row in rows for column in row}


def _configuration(card: TaskCard, items: Items, repeats: int) -> dict[str, Any]:
    """The task file as an lm-eval configuration over rows that are already loaded."""
    splits = {card.split: _Docs(items.rows), EXAMPLES: _Docs(items.examples)}
    changes: dict[str, Any] = {
        "custom_dataset": lambda **_: splits,
        "num_fewshot": len(items.examples),
        "repeats": repeats,
        # The default filter would silently keep the first of the repeats only.
        "filter_list": [{"name": "all", "filter": [{"function": "take_first_k", "k": repeats}]}],
        "process_results": lambda doc, results: {"answers": len(results[0])},
        "metric_list": [{"metric": "answers", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": card.facts.version},
    }
    dropped = {"dataset_path", "dataset_name", "dataset_kwargs"}
    if items.examples:
        changes["fewshot_config"] = card.config.get("fewshot_config", {}) | {"split": EXAMPLES}
    else:
        dropped.add("fewshot_config")
    return {key: value for key, value in card.config.items() if key not in dropped} | changes


def _stops(until: str | list[str] | None) -> tuple[str, ...]:
    """lm-eval task files write one stop string or a list of them."""
    return (until,) if isinstance(until, str) else tuple(until or ())
