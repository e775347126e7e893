"""Lets a request of vLLM go on as another one: new seed, new temperature, nothing read again.

By itself vLLM reads the end of a prompt anew for every request (its cache knows whole blocks only), and a request that
follows another waits a round. A logits processor is called just before a token is drawn, which is the moment to change
what it is drawn with. Processor build only: on GPUs vLLM (0.32) has another runner, which takes none of this kind.

`Continue` runs in vLLM's processes.
"""

from dataclasses import asdict
from typing import Any

from vllm import SamplingParams
from vllm.v1.sample.logits_processor import LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from genius_bench.engines.continuing import Continuing
from genius_bench.engines.interface import Continuation, Request
from genius_bench.engines.loading import load_tokenizer
from genius_bench.engines.stopping import Stopping

KEY = "genius_bench"
"""In vLLM's `extra_args`."""


def as_arguments(request: Request) -> dict[str, Any]:
    """What `Continue` has to know of a request that has a continuation, for `SamplingParams.extra_args`."""
    assert request.then is not None
    return {KEY: {"max_tokens": request.max_tokens, "stop": list(request.stop), "then": asdict(request.then)}}


class Continue(LogitsProcessor):
    """Watches those requests that have a continuation."""

    batch: Any
    """The rows that are being decoded, of vLLM's model runner: `Extension.let_requests_continue` sets it."""

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
        self._tokenizer = load_tokenizer(vllm_config.model_config.tokenizer, "plain")
        self._stopping: dict[frozenset[int], Stopping] = {}
        self._rows: dict[int, _Row] = {}

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: Any) -> None:
        process_dict_updates(self._rows, batch_update, self._row)

    def apply(self, logits: Any) -> Any:
        for index, row in self._rows.items():
            moment = row.watched.look(row.token_ids)
            if moment == "is over":
                self._end(logits, index, row)
            elif row.watched.turn is not None and not row.turned:
                self._turn(index, row, newly=moment == "turns")
        return logits

    def _row(self, params: SamplingParams, _: Any, token_ids: list[int]) -> "_Row | None":
        arguments = (params.extra_args or {}).get(KEY)
        if arguments is None:
            return None
        then = Continuation(**{**arguments["then"], "stop": tuple(arguments["then"]["stop"])})
        request = Request(
            prompt_ids=(),
            max_tokens=arguments["max_tokens"],
            seed=0,
            stop=tuple(arguments["stop"]),
            then=then,
        )
        ends = frozenset(params.stop_token_ids or ())
        stopping = self._stopping.setdefault(ends, Stopping(self._tokenizer, ends))
        return _Row(Continuing(request, stopping), token_ids, min(ends))

    def _turn(self, index: int, row: "_Row", *, newly: bool) -> None:
        """From now on tokens are drawn as those of the second request.

        A row that had to leave and comes back brings its random numbers along, but not its temperature.
        """
        then = row.watched.request.then
        assert then is not None
        row.turned = True
        self.batch.temperature_cpu[index] = self.batch.temperature[index] = then.temperature
        if newly:
            self.batch.generators[index].manual_seed(then.seed)

    def _end(self, logits: Any, index: int, row: "_Row") -> None:
        """Nothing but the end can be drawn: a token that is dropped by whoever receives the sequence."""
        logits[index] = float("-inf")
        logits[index, row.end_token] = 0.0


class _Row:
    """A request in the batch."""

    def __init__(self, watched: Continuing, token_ids: list[int], end_token: int) -> None:
        self.watched = watched
        self.token_ids = token_ids
        """vLLM's own list, which grows."""
        self.end_token = end_token
        self.turned = False
