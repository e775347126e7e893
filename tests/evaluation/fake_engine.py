"""An engine that reads its answers from a script, so that evaluation is tested without a model."""

import asyncio
from collections.abc import Callable, Sequence

from genius_bench.engines.interface import Completion, Request
from genius_bench.rows import FinishReason

Script = Callable[[str, Request], str | tuple[str, FinishReason] | Exception]


class CharacterTokenizer:
    """One token a character; no chat template, no special tokens."""

    chat_template = None
    bos_token_id = None

    def __call__(
        self, text: str, add_special_tokens: bool = True, verbose: bool = True
    ) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}

    def decode(self, ids: Sequence[int], clean_up_tokenization_spaces: bool = False) -> str:
        return "".join(map(chr, ids))


class FakeEngine:
    """`script(prompt text, request)` gives the answer, its finish reason, or the exception to raise."""

    def __init__(self, script: Script, delay: float = 0.0) -> None:
        self.script = script
        self.delay = delay
        self.tokenizer = CharacterTokenizer()
        self.name = "fake"
        self.context_length: int | None = None
        self.requests: list[Request] = []
        self.closed = False

    async def generate(self, request: Request) -> Completion:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        answer = self.script("".join(map(chr, request.prompt_ids)), request)
        if isinstance(answer, Exception):
            raise answer
        text, reason = answer if isinstance(answer, tuple) else (answer, "eos")
        ids = tuple(map(ord, text))
        return Completion(token_ids=ids, text=text, logprobs=(-0.5,) * len(ids), finish_reason=reason)

    def close(self) -> None:
        self.closed = True
