"""Between lm-eval and our engines: lm-eval builds the prompts of a task, something of ours answers them.

lm-eval's own engine wrappers are not used: they give repeats one seed, and their cache forgets the model.
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager
from lm_eval.utils import apply_template

from genius_bench.errors import InputError
from genius_bench.evaluation.asking import Prompt
from genius_bench.evaluation.cards import TaskCard
from genius_bench.evaluation.data import Items, Row
from genius_bench.rows import Message

Answerer = Callable[[list[Prompt]], Sequence[str]]


def run_task(card: TaskCard, items: Items, *, repeats: int, limit: int | None, answer: Answerer) -> None:
    """Runs one lm-eval task over `items`; `answer` is called once with every prompt, `repeats` an item."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = TaskManager(include_defaults=False).load([_configuration(card, items, repeats)])
    with mock.patch("lm_eval.api.task.tqdm", lambda wrapped, **_: wrapped):  # we show progress of our own
        evaluate(
            _Bridge(answer),
            tasks,
            limit=limit,
            bootstrap_iters=0,
            log_samples=False,
            apply_chat_template=True,
            fewshot_as_multiturn=True,
        )


def gold_text(card: TaskCard, row: Row) -> str:
    """The item's gold answer as the task file renders it (not lm-eval's `doc_to_target`, which turns "[2, 3]"
    into a list)."""
    template = card.config["doc_to_target"]
    return str(row[template] if template in row else apply_template(template, row))


class _Bridge(LM):
    """The model as lm-eval sees it. A "rendered chat" is the messages as JSON: token ids are made later, once."""

    tokenizer_name = "messages"

    def __init__(self, answer: Answerer) -> None:
        super().__init__()
        self.answer = answer

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        return json.dumps(chat_history)

    def generate_until(self, requests: list[Any]) -> list[str]:
        prompts: list[Prompt] = []
        seen: dict[int, int] = {}
        for request in requests:
            messages, options = request.args
            repeat = seen.get(request.doc_id, 0)
            seen[request.doc_id] = repeat + 1
            prompts.append(
                Prompt(
                    index=request.doc_id,
                    repeat=repeat,
                    messages=tuple(
                        Message(role=turn["role"], content=turn["content"]) for turn in json.loads(messages)
                    ),
                    stop=_stops(options.get("until")),
                )
            )
        return list(self.answer(prompts))

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise InputError(
            "a task file must say output_type: generate_until; likelihood tasks are not supported"
        )

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise InputError(
            "a task file must say output_type: generate_until; likelihood tasks are not supported"
        )


class _Docs(list[Row]):
    """A split as lm-eval wants it: rows, and the names of their columns."""

    def __init__(self, rows: list[Row]) -> None:
        super().__init__(rows)
        self.features = {column: None for row in rows for column in row}


def _configuration(card: TaskCard, items: Items, repeats: int) -> dict[str, Any]:
    """The task file as an lm-eval configuration over rows that are already loaded."""
    splits = {card.split: _Docs(items.rows), "train": _Docs(items.examples)}
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
    if not items.examples:
        dropped.add("fewshot_config")
    return {key: value for key, value in card.config.items() if key not in dropped} | changes


def _stops(until: str | list[str] | None) -> tuple[str, ...]:
    """lm-eval task files write one stop string or a list of them."""
    return (until,) if isinstance(until, str) else tuple(until or ())
