"""What a response is conditioned on when it is trained: the query, or (release) nothing (D2, D12)."""

from genius_bench.engines.rendering import Unrenderable, encode, with_template
from genius_bench.errors import InputError
from genius_bench.rows import Message, PreferencePair, Query
from genius_bench.sampling.foresight import Candidate
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.tokens import Tokens


def pair_of(
    query: Query,
    step_number: int,
    prompt_ids: tuple[int, ...],
    chosen: Candidate,
    rejected: Candidate,
    policy: Policy,
    options: ForesightOptions,
) -> PreferencePair:
    """(x, T^w, A^w, T^l, A^l), with the reference log-probabilities that sampling has measured already."""
    context, chosen_ids = _in_context(prompt_ids, chosen.response, policy, options)
    _, rejected_ids = _in_context(prompt_ids, rejected.response, policy, options)
    as_sampled = options.joining == "tokens" and options.training_context == "query"
    return PreferencePair(
        id=f"{query.id}/step-{step_number}",
        query_id=query.id,
        prompt_ids=context,
        chosen_ids=chosen_ids,
        rejected_ids=rejected_ids,
        chosen_advantage=chosen.advantage,
        rejected_advantage=rejected.advantage,
        reference_chosen_logp=sum(chosen.response.logprobs) if as_sampled else None,
        reference_rejected_logp=sum(rejected.response.logprobs) if as_sampled else None,
    )


def _in_context(
    prompt_ids: tuple[int, ...], response: Tokens, policy: Policy, options: ForesightOptions
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    tokenizer, text = policy.tokenizer, policy.text(response.ids)
    if options.joining == "released":
        text = response.text  # decoding its pieces would write other blanks where some tokenizers join them
    if options.training_context == "query":
        joined = response.ids if options.joining == "tokens" else tuple(encode(tokenizer, text))
        return prompt_ids, joined
    # The release's pairs hold one assistant message: everything but its first token is trained, headers included.
    text = options.answer_prefix + text
    if getattr(tokenizer, "chat_template", None):
        try:
            text = with_template(tokenizer, [Message(role="assistant", content=text)])
        except Unrenderable as error:
            raise InputError(f"sampling.training_context = 'response_only': {error}") from error
    ids = tuple(encode(tokenizer, text))
    return ids[:1], ids[1:]
