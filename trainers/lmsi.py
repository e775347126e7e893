"""LMSI: a language model improves itself by imitating what most of its reasoning agrees on (arXiv 2210.11610)."""

from typing import Literal

from pydantic import PositiveInt

from genius_bench.engines.turns import answer_ids
from genius_bench.method import Collected, Method, Work
from genius_bench.rows import Message, Query, TrainingRow
from genius_bench.sampling.answers import final_answer
from genius_bench.sampling.clustering import ClusterOptions
from genius_bench.sampling.demonstrations import demonstration
from genius_bench.sampling.examples import Example, after_examples
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.responses import (
    ResponseOptions,
    Temperature,
    draw_responses,
    usable,
    with_addition,
)
from genius_bench.sampling.voting import vote, winner


class LmsiOptions(ResponseOptions):
    responses: PositiveInt = 32
    """m: reasoning paths."""
    temperature: Temperature = 0.7
    examples: tuple[Example, ...] = ()
    """Shown when paths are drawn, and in two of the mixed formats."""
    instruction: str = "Let's think step by step."
    """Added to the query when paths are drawn; not trained."""
    formats: Literal["mixed", "paths"] = "mixed"
    """What a path is trained in: all formats, or after the plain query alone."""
    plain: str = ""
    """Added to the query where a path is trained without examples."""
    direct: str = "Give the answer alone."
    """Added to the query where the bare answer is trained without examples."""


class LMSI(Method):
    """Draws reasoning paths after one prompt, lets their answers vote, and imitates all that agree after others.

    Only paths that state an answer vote. In mixed formats a path is trained with its reasoning and as its bare answer,
    each after the plain query and, where there are any, after the examples in the same manner.
    """

    name = "lmsi"
    title = "LMSI"
    source = "Huang et al., 'Large Language Models Can Self-Improve', EMNLP 2023, arXiv 2210.11610"
    group = "offline"
    Options = LmsiOptions
    objective = {"name": "sft"}
    training = {"learning_rate": 2e-6, "warmup": 0.03, "max_length": 4096}
    variants = {
        "paper": {},
        "paths": {"sampling": {"formats": "paths"}},
        "original": {"sampling": {"plain": "Let's think step by step.", "direct": ""}},
    }

    @property
    def work(self) -> Work:
        options: LmsiOptions = self.options
        formats = 1 if options.formats == "paths" else 4 if options.examples else 2
        return Work(sampled=options.responses, trained=options.responses * formats)

    async def collect(self, query: Query, policy: Policy) -> Collected:
        options: LmsiOptions = self.options
        asked = with_addition(after_examples(query, options.examples, "reasoning"), options.instruction)
        kind = "responses" if asked == query.messages else "paths"
        drawn = await draw_responses(query, policy, options, prompt_ids=policy.prompt(asked), kind=kind)
        responses = usable(drawn, options)
        paths = [path for path in responses if final_answer(path.text) is not None]
        majority = winner(vote([path.text for path in paths], ClusterOptions()))
        notes = {"unusable": len(drawn) - len(responses), "unparsable": len(responses) - len(paths)}
        if majority is None:
            return Collected(rows=[], notes=notes | {"no_majority": 1})
        agreeing = [paths[i] for i in majority.members]
        rows: list[TrainingRow] = []
        for name, messages, bare in self._formats(query):
            prompt_ids = policy.prompt(messages)
            answer = answer_ids(
                policy.tokenizer, messages, f"The answer is {final_answer(agreeing[0].text)}."
            )
            rows += [
                demonstration(query, f"{name}-{i}", prompt_ids, answer if bare else path.token_ids)
                for i, path in enumerate(agreeing)
            ]
        return Collected(rows=rows, notes=notes | {"outvoted": len(paths) - len(agreeing)})

    def _formats(self, query: Query) -> list[tuple[str, tuple[Message, ...], bool]]:
        """Name, what is asked, and whether the bare answer follows."""
        options: LmsiOptions = self.options
        formats = [("path", with_addition(query.messages, options.plain), False)]
        if options.formats == "mixed":
            formats.append(("answer", with_addition(query.messages, options.direct), True))
        if options.formats == "mixed" and options.examples:
            formats.append(("path-after-paths", after_examples(query, options.examples, "reasoning"), False))
            formats.append(("answer-after-answers", after_examples(query, options.examples, "answer"), True))
        return formats
