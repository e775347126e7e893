"""Foresight re-sampling: candidate steps, their look-aheads, and their scores (Genius §2.2, Eqs. 1 and 6)."""

from asyncio import gather
from dataclasses import dataclass, replace

from genius_bench.engines.interface import Completion, Continuation
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.joining import Joining, joining_of
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.prompts import Prompt
from genius_bench.sampling.steps import end_of_step
from genius_bench.sampling.tokens import NO_TOKENS, Tokens

MAX_BLANK_CONTINUATIONS = 3

Draw = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Beam:
    """A prefix of steps a_<k with its value Q (Eq. 4). A frozen beam is a finished answer."""

    prefix: Tokens = NO_TOKENS
    value: float = 0.0
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One step a_k with its look-ahead a'_>k, from beam number `beam`."""

    beam: int
    prefix: Tokens
    step: Tokens
    foresight: Tokens
    score: float
    """f (Eq. 1), nats per token."""
    advantage: float
    """A = f − Q of the beam it came from (Eq. 6)."""
    finished: bool
    """The answer ended within the step: nothing is left to look ahead to, and nothing may follow."""
    complete: bool
    """The whole response ended by itself, not by a limit of tokens."""

    @property
    def response(self) -> Tokens:
        """T = (a_<k, a_k, a'_>k)."""
        return self.prefix + self.step + self.foresight

    def as_beam(self) -> Beam:
        """Eq. 4: the drawn candidate's score becomes its value."""
        return Beam(prefix=self.prefix + self.step, value=self.score, frozen=self.finished)


async def roll_out(beams: list[Beam], search: "Search", step_number: int) -> list[Candidate]:
    """N candidate steps from every beam, each with its look-ahead; a frozen beam stands for itself alone.

    A beam that fills the model's context has no candidate.
    """
    wanted = [
        _candidate(number, beam, search, ("step", step_number, number, rollout))
        for number, beam in enumerate(beams)
        for rollout in range(1 if beam.frozen else search.options.rollouts)
        if beam.frozen or search.has_room(search.joining.before_step(beam.prefix))
    ]
    return list(await gather(*wanted))


async def completed(candidate: Candidate, search: "Search", step_number: int, role: str) -> Candidate:
    """The candidate with a look-ahead, for pairs of whole responses where scoring needed none."""
    asked = search.joining.before_foresight(candidate.prefix, candidate.step)
    if search.options.score == "foresight" or candidate.finished or not search.has_room(asked):
        return candidate
    foresight, complete = _foresight(await _look_ahead(asked, search, ("complete", step_number, role)))
    return replace(candidate, foresight=search.joining.foresight(foresight), complete=complete)


async def _candidate(number: int, beam: Beam, search: "Search", draw: Draw) -> Candidate:
    if beam.frozen:
        return _scored(number, beam, NO_TOKENS, NO_TOKENS, beam.value, finished=True, complete=True)
    options = search.options
    if options.score == "step":
        step, ended, _ = await _step(beam.prefix, search, draw)
        finished = ended and not search.joining.forgets_ends
        step = search.joining.step(step)
        return _scored(number, beam, step, NO_TOKENS, step.mean_logprob, finished, complete=ended)
    sample = _step_and_foresight if search.one_request_suffices else _step_then_foresight
    step, foresight, finished, complete = await sample(beam.prefix, search, draw)
    score = (foresight if foresight.ids else step).mean_logprob
    nothing_ahead = finished or (bool(foresight.logprobs) and not foresight.ids)
    if nothing_ahead and options.finished == "score":
        score = foresight.mean_logprob  # at most that of the end of the sequence: about 0, the best there is
    return _scored(number, beam, step, foresight, score, finished, complete)


def _scored(
    number: int, beam: Beam, step: Tokens, foresight: Tokens, score: float, finished: bool, complete: bool
) -> Candidate:
    return Candidate(
        beam=number,
        prefix=beam.prefix,
        step=step,
        foresight=foresight,
        score=score,
        advantage=score - beam.value,
        finished=finished,
        complete=complete,
    )


async def _step_then_foresight(
    prefix: Tokens, search: "Search", draw: Draw
) -> tuple[Tokens, Tokens, bool, bool]:
    """A step, then its look-ahead: both, whether the answer ended in the step, whether it ended by itself at all."""
    may_go_on = search.options.joining == "tokens" and not search.options.end_tag
    step, finished, ahead = await _step(prefix, search, draw, search.look_ahead(draw) if may_go_on else None)
    step = search.joining.step(step)
    if finished and not search.joining.forgets_ends:
        return step, NO_TOKENS, True, True
    if ahead is None:
        asked = search.joining.before_foresight(prefix, step)
        if not search.has_room(asked):
            return step, NO_TOKENS, False, False
        ahead = await _look_ahead(asked, search, draw)
    foresight, complete = _foresight(ahead)
    foresight = search.joining.foresight(foresight)
    if complete and not search.joining.forgets_ends and not search.policy.text(foresight.ids).strip():
        return step + foresight, NO_TOKENS, True, True  # only the end of the sequence was left to say
    return step, foresight, False, complete


async def _step(
    prefix: Tokens, search: "Search", draw: Draw, then: Continuation | None = None
) -> tuple[Tokens, bool, Completion | None]:
    """One step, up to and including its delimiter; whether the answer ended in it; what the engine went on with."""
    options, asked, step = search.options, search.joining.before_step(prefix), NO_TOKENS
    for attempt in range(1 + MAX_BLANK_CONTINUATIONS):
        if not search.has_room(asked + step.ids):
            break
        completion = await search.sample(
            asked + step.ids,
            draw=(*draw, attempt),
            max_tokens=options.step_max_tokens,
            temperature=options.step_temperature,
            stop=(options.step_delimiter, options.end_tag),
            then=then,
        )
        step += _tokens(completion)
        text = search.policy.text(step.ids)
        tagged = bool(options.end_tag) and options.end_tag in text
        if completion.finish_reason != "stop" or tagged:
            return step, tagged or completion.finish_reason == "eos", None
        if text.strip() or options.empty_steps == "accept":
            return step, False, completion.then
    return step, False, None


async def _look_ahead(asked: tuple[int, ...], search: "Search", draw: Draw) -> Completion:
    """The policy finishes the answer: a'_>k ~ π(· | x, a_<k, a_k)."""
    return await search.policy.go_on(asked, search.look_ahead(draw), top_p=search.options.top_p)


def _foresight(ahead: Completion) -> tuple[Tokens, bool]:
    """The tokens of a look-ahead, and whether it came to an end."""
    return _tokens(ahead), ahead.finish_reason != "length"


def _tokens(completion: Completion) -> Tokens:
    return Tokens(ids=completion.token_ids, logprobs=completion.logprobs, text=completion.text)


async def _step_and_foresight(
    prefix: Tokens, search: "Search", draw: Draw
) -> tuple[Tokens, Tokens, bool, bool]:
    """At equal temperatures one continuation is both: what follows its first step *is* a look-ahead."""
    whole, complete = _foresight(await _look_ahead(search.joining.before_step(prefix), search, draw))
    cut = _end_of_first_step(whole.ids, search)
    step = Tokens(ids=whole.ids[:cut], logprobs=whole.logprobs[:cut])
    foresight = Tokens(ids=whole.ids[cut:], logprobs=whole.logprobs[cut:])
    if complete and not search.policy.text(foresight.ids).strip():
        return whole, NO_TOKENS, True, True
    return step, foresight, False, complete


def _end_of_first_step(ids: tuple[int, ...], search: "Search") -> int:
    """How many tokens there are up to and including the first delimiter that ends a step."""
    options = search.options

    def holds_a_step(end: int) -> bool:
        text = search.policy.text(ids[:end])
        return options.step_delimiter in (text.lstrip() if options.empty_steps == "continue" else text)

    return end_of_step(ids, options.step_max_tokens, holds_a_step)


@dataclass(frozen=True)
class Search:
    """One query's search: whom to ask, what for, and under which name the draws are made."""

    query_id: str
    prompt: Prompt
    policy: Policy
    options: ForesightOptions

    @property
    def joining(self) -> Joining:
        return joining_of(self.prompt, self.policy, self.options)

    def has_room(self, asked: tuple[int, ...]) -> bool:
        """Whether the model's context can hold another token after `asked`."""
        context = self.policy.context_length
        return context is None or len(asked) < context

    @property
    def one_request_suffices(self) -> bool:
        options = self.options
        return options.step_temperature == options.foresight_temperature and options.joining == "tokens"

    def look_ahead(self, draw: Draw) -> Continuation:
        """How an answer is finished: asked after its step, or together with it."""
        options = self.options
        return self.policy.continuation(
            draw=("foresight", self.query_id, *draw, "foresight"),
            max_tokens=options.foresight_max_tokens,
            temperature=options.foresight_temperature,
            stop=(options.end_tag,),
        )

    async def sample(
        self,
        asked: tuple[int, ...],
        *,
        draw: Draw,
        max_tokens: int,
        temperature: float,
        stop: tuple[str, ...],
        then: Continuation | None = None,
    ) -> Completion:
        return await self.policy.sample(
            asked,
            draw=("foresight", self.query_id, *draw),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=self.options.top_p,
            stop=stop,
            then=then,
        )
