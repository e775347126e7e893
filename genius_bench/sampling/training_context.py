"""What a response is conditioned on when it is trained, and how the release renders prompts (facts D2, D12, D13)."""

from genius_bench.rows import Message, PreferencePair, Query
from genius_bench.sampling.foresight import Candidate
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.tokens import Tokens


def prompt_for(query: Query, policy: Policy, options: ForesightOptions) -> tuple[int, ...]:
    """The tokens after which steps are sampled, answer prefix included."""
    if options.rendering == "template" or not getattr(policy.tokenizer, "chat_template", None):
        return policy.prompt(query.messages, options.answer_prefix)
    return _released_prompt(query, policy, options)


def _released_prompt(query: Query, policy: Policy, options: ForesightOptions) -> tuple[int, ...]:
    """Renders an empty assistant turn, deletes every end-of-sequence text, and lets BOS be added again."""
    tokenizer = policy.tokenizer
    conversation = [*query.messages, Message(role="assistant", content="")]
    text = tokenizer.apply_chat_template(conversation, tokenize=False)
    text = text.replace(tokenizer.eos_token or "", "").strip() + options.answer_prefix
    return tuple(tokenizer(text)["input_ids"])


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
    if options.training_context == "query":
        return prompt_ids, response.ids
    # The release's pairs hold one assistant message: everything but its first token is trained, headers included.
    text = options.answer_prefix + policy.text(response.ids)
    if getattr(policy.tokenizer, "chat_template", None):
        message = [Message(role="assistant", content=text)]
        text = policy.tokenizer.apply_chat_template(message, tokenize=False)
    ids = tuple(policy.tokenizer(text, add_special_tokens=False)["input_ids"])
    return ids[:1], ids[1:]
