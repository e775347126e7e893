"""The rows that are being decoded together; finished ones leave and waiting ones join while others go on."""

from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache

from genius_bench.engines.cache import joined, keep_columns, new_cache, replace_rows
from genius_bench.engines.choosing import certainties_of, choose_tokens, entropies_of, uniforms
from genius_bench.engines.continuing import Continuing, completions_of
from genius_bench.engines.interface import Completion, Continuation, Request

READ_CELLS = 2**26
"""Prompts are read together while rows × width² (what attention looks at, and on a CPU keeps) stays within this."""
GAPS = 0.125
"""Share of a batch that may stay occupied by finished rows rather than have the whole cache copied without them."""


@dataclass(eq=False)
class Row:
    """One request on its way, and perhaps the one that continues it."""

    watched: Continuing
    result: "Future[Completion]"
    room: int | None = None
    """Tokens that the model's context leaves for the answer."""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    certainties: list[float] = field(default_factory=list)
    """Of its tokens, where the request wants them."""
    finished: bool = False

    @property
    def request(self) -> Request:
        return self.watched.request

    @property
    def begin(self) -> int:
        """Where the answer begins that is being drawn: at the continuation, if that has been reached."""
        return self.watched.turn or 0

    @property
    def drawn_as(self) -> Request | Continuation:
        """Whose seed and temperature the next token is drawn with."""
        return self.request.then if self.request.then and self.watched.turn is not None else self.request

    @property
    def length(self) -> int:
        """Columns of the cache that belong to this row: its prompt and all its tokens but the newest."""
        return len(self.request.prompt_ids) + max(len(self.token_ids) - 1, 0)


class RunningBatch:
    """Rows share one key-value cache, aligned on the right: column j counts back from the newest token."""

    def __init__(
        self, model: Any, pad_token: int, context_length: int | None = None, vocabulary: int | None = None
    ) -> None:
        self._model = model
        self._vocabulary = vocabulary
        """Rows of the head that are tokens; all when not given."""
        self._pad = pad_token
        self._last_position = (context_length or 2**31) - 1
        self._device = model.device
        self._cache: Cache = new_cache()
        self._mask = torch.zeros(0, 0, dtype=torch.long)
        self.rows: list[Row] = []

    @property
    def unfinished(self) -> int:
        return sum(not row.finished for row in self.rows)

    @torch.inference_mode()
    def exchange(self, arrivals: Sequence[Row]) -> None:
        """Finished rows leave; `arrivals` read their prompts, get their first token, and join."""
        read = [self._first_tokens(group) for group in groups_to_read(arrivals)]
        newcomers = [row for rows, _, _ in read for row in rows]
        places = [index for index, row in enumerate(self.rows) if row.finished]
        if (
            len(read) == 1
            and newcomers
            and len(newcomers) <= len(places) <= len(newcomers) + GAPS * len(self.rows)
        ):
            [(_, cache, sources)] = read
            places = places[: len(newcomers)]
            replace_rows(self._cache, self._indices(places), cache, sources, _width(newcomers))
            for place, row in zip(places, newcomers, strict=True):
                self.rows[place] = row
        else:
            keep = [index for index, row in enumerate(self.rows) if not row.finished]
            staying = [self.rows[index] for index in keep]
            parts = [(self._cache, self._indices(keep), _width(staying))] if keep else []
            parts += [(cache, sources, _width(rows)) for rows, cache, sources in read if rows]
            self.rows = staying + newcomers
            if parts:
                self._cache = joined(parts)
        if self.rows:
            width = _width([row for row in self.rows if not row.finished])
            keep_columns(self._cache, width)
            self._mask = self._left_padding_mask([min(row.length, width) for row in self.rows])
            self._settings = self._collect_settings(self.rows)

    @torch.inference_mode()
    def step(self) -> None:
        """One more token for every row."""
        newest = torch.tensor([[row.token_ids[-1]] for row in self.rows], device=self._device)
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        output = self._model(
            input_ids=newest,
            attention_mask=self._mask,
            # Finished rows go along until they leave; they must not run beyond the positions that the model knows.
            position_ids=(self._mask.sum(-1, keepdim=True) - 1).clamp(max=self._last_position),
            past_key_values=self._cache,
            use_cache=True,
        )
        if self._choose(self.rows, output.logits[:, -1], self._settings):
            self._settings = self._collect_settings(self.rows)

    def _first_tokens(self, arrivals: Sequence[Row]) -> tuple[list[Row], Cache, torch.Tensor]:
        """Reads prompts and draws their first tokens: the rows that go on, a cache, and their places in it."""
        prompts = list(dict.fromkeys(row.request.prompt_ids for row in arrivals))
        cache, logits = self._read(prompts)
        sources = self._indices([prompts.index(row.request.prompt_ids) for row in arrivals])
        self._choose(list(arrivals), logits[sources])
        going_on = [index for index, row in enumerate(arrivals) if not row.finished]
        return [arrivals[index] for index in going_on], cache, sources[going_on]

    def _read(self, prompts: list[tuple[int, ...]]) -> tuple[Cache, torch.Tensor]:
        """Caches and next-token logits of prompts; equal prompts are read once."""
        width = max(map(len, prompts))
        ids = [[self._pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        mask = self._left_padding_mask(list(map(len, prompts)))
        cache = new_cache()
        output = self._model(
            input_ids=torch.tensor(ids, device=self._device),
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return cache, output.logits[:, -1]

    def _choose(self, rows: list[Row], logits: torch.Tensor, settings: "Settings | None" = None) -> bool:
        """Draws a token for each; whether one of them begins its continuation now, which has other settings."""
        settings = settings or self._collect_settings(rows)
        positions = np.array([len(row.token_ids) - row.begin for row in rows], dtype=np.uint64)
        randomness = torch.from_numpy(uniforms(settings.seeds, positions)).to(self._device)
        tokens, logprobs = choose_tokens(logits.float(), settings.temperatures, settings.top_ps, randomness)
        self._tell(rows, logits[:, : self._vocabulary].float(), settings)
        going_on = [row for row in rows if not row.finished]
        begins = [row.begin for row in going_on]
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            if not row.finished:
                self._append(row, token, logprob)
        return begins != [row.begin for row in going_on]

    def _tell(self, rows: list[Row], logits: torch.Tensor, settings: "Settings") -> None:
        """Entropies and certainties, for the rows that want them."""
        unfinished = [(place, row) for place, row in enumerate(rows) if not row.finished]
        if settings.entropies:
            entropies = entropies_of(logits, settings.temperatures).tolist()
            for place, row in unfinished:
                if row.request.entropies:
                    row.entropies.append(entropies[place])
        if settings.certainties:
            certainties = certainties_of(logits).tolist()
            for place, row in unfinished:
                if row.request.certainties:
                    row.certainties.append(certainties[place])

    def _append(self, row: Row, token: int, logprob: float) -> None:
        row.token_ids.append(token)
        row.logprobs.append(logprob)
        full = row.room is not None and len(row.token_ids) >= row.room
        if row.watched.look(row.token_ids) != "is over" and not full and not row.result.cancelled():
            return
        row.finished = True
        if not row.result.done():
            row.result.set_result(
                completions_of(row.token_ids, row.logprobs, row.watched, row.entropies, row.certainties)
            )

    def _collect_settings(self, rows: Sequence[Row]) -> "Settings":
        drawn_as = [row.drawn_as for row in rows]
        return Settings(
            seeds=np.array([one.seed for one in drawn_as], dtype=np.uint64),
            temperatures=torch.tensor([one.temperature for one in drawn_as], device=self._device),
            top_ps=torch.tensor([row.request.top_p for row in rows], device=self._device),
            entropies=any(row.request.entropies for row in rows),
            certainties=any(row.request.certainties for row in rows),
        )

    def _left_padding_mask(self, lengths: list[int]) -> torch.Tensor:
        columns = torch.arange(max(lengths), device=self._device)
        starts = max(lengths) - torch.tensor(lengths, device=self._device)
        return (columns[None, :] >= starts[:, None]).long()

    def _indices(self, rows: list[int]) -> torch.Tensor:
        return torch.tensor(rows, dtype=torch.long, device=self._device)


def groups_to_read(arrivals: Sequence[Row]) -> list[list[Row]]:
    """Arrivals in groups that can be read at once; those with long prompts are kept apart from the others."""
    groups: list[list[Row]] = []
    for row in sorted(arrivals, key=lambda row: len(row.request.prompt_ids)):
        width = len(row.request.prompt_ids)
        if groups and (len(groups[-1]) + 1) * width**2 <= READ_CELLS:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups if len(groups) > 1 else [list(arrivals)] if arrivals else []


def _width(rows: Sequence[Row]) -> int:
    return max(row.length for row in rows)


@dataclass(frozen=True)
class Settings:
    """The sampling fields of a batch's requests, one entry a row."""

    seeds: np.ndarray
    temperatures: torch.Tensor
    top_ps: torch.Tensor
    entropies: bool
    certainties: bool
    """Whether any of them wants these."""
