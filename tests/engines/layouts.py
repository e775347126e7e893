"""Small chat templates in the manner of well-known models, each with a tokenizer that has its tokens."""

from dataclasses import dataclass
from typing import Any

from tests.engines.conftest import byte_level_tokenizer

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start|>{{ m.role }}<|stop|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant<|stop|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
PHI_3 = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
)
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ON_A_LINE = CHATML.replace("<|im_end|>", "\n<|im_end|>")
WORDS_ALONE = (
    "{% for m in messages %}### {{ m.role }}\n{{ m.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Layout:
    """`answer` is what follows the prompt where the assistant says "Four.", written out by hand."""

    template: str | None
    special: tuple[str, ...]
    names: dict[str, str]
    answer: str

    def tokenizer(self) -> Any:
        tokenizer = byte_level_tokenizer(["<bos>", "<eos>", *self.special], **self.names)
        tokenizer.chat_template = self.template
        return tokenizer


EOS = {"eos_token": "<eos>"}
BOTH = {"bos_token": "<bos>", "eos_token": "<eos>"}
LAYOUTS = {
    "chatml, another end of text (Qwen2.5 base)": Layout(
        CHATML, ("<|im_start|>", "<|im_end|>"), EOS, "Four.<|im_end|>"
    ),
    "chatml, no end of text": Layout(CHATML, ("<|im_start|>", "<|im_end|>"), {}, "Four.<|im_end|>"),
    "chatml of a model without its tokens": Layout(CHATML, (), EOS, "Four.<eos>"),
    "llama 3": Layout(LLAMA_3, ("<|start|>", "<|stop|>", "<|eot_id|>"), BOTH, "Four.<|eot_id|>"),
    "gemma": Layout(GEMMA, ("<start_of_turn>", "<end_of_turn>"), BOTH, "Four.<end_of_turn>"),
    "mistral": Layout(MISTRAL, (), BOTH, " Four.<eos>"),
    "phi 3": Layout(PHI_3, ("<|user|>", "<|assistant|>", "<|end|>"), EOS, "Four.<|end|>"),
    "an empty thought first": Layout(
        THINKING, ("<|im_start|>", "<|im_end|>"), EOS, "<think>\n\n</think>\n\nFour.<|im_end|>"
    ),
    "the end on a line of its own": Layout(
        ON_A_LINE, ("<|im_start|>", "<|im_end|>"), EOS, "Four.\n<|im_end|>"
    ),
    "two tokens end a turn (Command R7B)": Layout(
        CHATML.replace("<|im_end|>", "<|END_RESPONSE|><|im_end|>"),
        ("<|im_start|>", "<|im_end|>", "<|END_RESPONSE|>"),
        EOS,
        "Four.<|END_RESPONSE|><|im_end|>",
    ),
    "an end of text right after the last turn": Layout(
        CHATML.replace("<|im_end|>\n", "<|im_end|>").replace(
            "{% endif %}", "{% else %}{{ eos_token }}{% endif %}"
        ),
        ("<|im_start|>", "<|im_end|>"),
        EOS,
        "Four.<|im_end|>",
    ),
    "words alone": Layout(WORDS_ALONE, (), EOS, "Four.<eos>"),
    "no template": Layout(None, (), EOS, " Four.<eos>"),
}
