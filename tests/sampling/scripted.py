"""A policy whose every probability is written down: an engine that draws from a table of texts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from genius_bench.engines.interface import Completion, Request


class CharacterTokenizer:
    """One token per character; token 1 ends a sequence. No chat template: prompts are plain text."""

    bos_token_id = None
    eos_token_id = 1
    pad_token_id = 0
    chat_template = None
    eos_token = "\x01"

    def __call__(
        self, text: str, add_special_tokens: bool = True, verbose: bool = True
    ) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return "".join(chr(token) for token in ids if token != self.eos_token_id)


Script = Callable[[str, np.random.Generator], tuple[str, float]]
"""Text so far → the text that follows (to the end of the answer) and its log-probability per token."""


class ScriptedEngine:
    """Follows a script; stops at stop strings as an engine must. `requests` remembers everything asked."""

    name = "scripted"
    context_length: int | None = None

    def __init__(self, script: Script) -> None:
        self.tokenizer: Any = CharacterTokenizer()
        self.requests: list[Request] = []
        self._script = script

    async def reread(self, request: Request, completion: Completion) -> Completion:
        """A response's certainty is what its last digit says, 0 without any."""
        digits = [int(character) for character in completion.text if character.isdigit()]
        return replace(completion, certainties=(float([0, *digits][-1]),) * len(completion.token_ids))

    async def generate(self, request: Request) -> Completion:
        completion = await self._generate(request)
        return await self.reread(request, completion) if request.certainties else completion

    async def _generate(self, request: Request) -> Completion:
        self.requests.append(request)
        await asyncio.sleep(0)
        random = np.random.default_rng(request.seed)
        text, logprob = self._script(self.tokenizer.decode(list(request.prompt_ids)), random)
        ids = [ord(character) for character in text] + [self.tokenizer.eos_token_id]
        ends = [position + len(string) for string in request.stop if (position := text.find(string)) >= 0]
        end = min([*ends, len(ids), request.max_tokens])
        ids = ids[:end]
        visible = self.tokenizer.decode(ids)
        stops = [position for string in request.stop if (position := visible.find(string)) >= 0]
        reason: Any = "stop" if stops else "eos" if ids[-1] == 1 else "length"
        return Completion(
            token_ids=tuple(ids),
            text=visible[: min(stops)] if stops else visible,
            logprobs=(logprob,) * len(ids),
            finish_reason=reason,
        )

    def close(self) -> None:
        return None
