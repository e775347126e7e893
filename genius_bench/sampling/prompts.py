"""What steps are sampled after: the query as the model's template renders it, or as the release does (D13)."""

from collections.abc import Callable
from dataclasses import dataclass

from genius_bench.engines.rendering import encode, prompt_ids, prompt_text, with_one_bos, with_template
from genius_bench.rows import Message, Query
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy


@dataclass(frozen=True)
class Prompt:
    """Everything before the answer, the given beginning of the answer included."""

    ids: tuple[int, ...]
    text: str
    tokenise: Callable[[str], tuple[int, ...]]

    def before(self, answer: str) -> tuple[int, ...]:
        """The tokens of the prompt and an answer so far as one text, which are not those of the two apart."""
        return self.tokenise(self.text + answer)


def prompt_for(query: Query, policy: Policy, options: ForesightOptions) -> Prompt:
    """Raises `Unrenderable` for a conversation that the chat template refuses."""
    tokenizer, prefix = policy.tokenizer, options.answer_prefix
    has_template = bool(getattr(tokenizer, "chat_template", None))
    if has_template and options.rendering == "released":
        text = _released_text(query, policy) + prefix

        def with_special_tokens(text: str) -> tuple[int, ...]:
            return tuple(tokenizer(text, verbose=False)["input_ids"])

        return Prompt(with_special_tokens(text), text, with_special_tokens)

    def with_own_bos(text: str) -> tuple[int, ...]:
        return with_one_bos(tokenizer, encode(tokenizer, text))

    text = prompt_text(tokenizer, query.messages, prefix)
    ids = prompt_ids(tokenizer, text, prefix)
    return Prompt(ids, text + (prefix if has_template else ""), with_own_bos)


def _released_text(query: Query, policy: Policy) -> str:
    """Renders an empty assistant turn and deletes every end-of-sequence text; BOS is added again by the tokenizer."""
    conversation = [*query.messages, Message(role="assistant", content="")]
    text = with_template(policy.tokenizer, conversation)
    return text.replace(policy.tokenizer.eos_token or "", "").strip()
