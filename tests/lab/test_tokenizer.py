"""The shipped tokenizer: lossless on any text, digits and newlines alone, one BOS through the chat template."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from genius_bench.lab import MODEL_PATH
from genius_bench.lab.documents import stream

TOKENIZER: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(MODEL_PATH)
SPECIAL = ("<s>", "<|end|>", "<pad>", "<|system|>", "<|user|>", "<|assistant|>")


@settings(max_examples=200, deadline=None)
@given(st.text().filter(lambda text: not any(token in text for token in SPECIAL)))
def test_any_text_survives(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "Janet’s ducks lay 16 eggs — per day; she eats 3.5 of them (≈22 %).",
        "  leading,  double\t\ttabs \r\n\r\n\ntrailing  \n",
        "def f(x):\n    return [y ** 2 for y in x if y != 10]\n",
        "数学は楽しい 🎉👩‍🔬 \\frac{1}{2} $x^2$ Ünïcödé ١٢٣",
    ],
)
def test_real_text_survives(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"]) == text


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789 \nabc.+-=", max_size=60))
def test_digits_and_newlines_stand_alone(text: str) -> None:
    pieces = [TOKENIZER.decode([token]) for token in TOKENIZER(text)["input_ids"]]
    numbers = [piece.removeprefix(" ") for piece in pieces if any(map(str.isdigit, piece))]
    assert all(len(number) == 1 for number in numbers)
    assert all(piece == "\n" for piece in pieces if "\n" in piece)
    assert pieces.count("\n") == text.count("\n")


def test_lab_words_are_single_tokens() -> None:
    """Digits aside, each of which is a token."""
    texts = [text for document in islice(stream(9), 500) for text in (document.prompt, document.response)]
    digits = sum(map(str.isdigit, "".join(texts)))
    tokens = sum(len(TOKENIZER(text)["input_ids"]) for text in texts) - digits
    assert tokens / (sum(map(len, texts)) - digits) < 0.33
    assert len(TOKENIZER) <= 1024
    assert len(TOKENIZER(" apples")["input_ids"]) == 1


def test_documents_are_short() -> None:
    for document in islice(stream(9), 1500):
        assert len(TOKENIZER(document.prompt + document.response)["input_ids"]) < 250


def test_the_chat_template_writes_one_bos_and_one_end_per_turn() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi 5"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye"},
    ]
    ids = TOKENIZER.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    assert ids[0] == TOKENIZER.bos_token_id
    assert ids.count(TOKENIZER.bos_token_id) == 1
    assert ids.count(TOKENIZER.eos_token_id) == 4
    assert TOKENIZER.bos_token_id not in TOKENIZER("Hi 5")["input_ids"]
    rendered = "<s><|user|>question<|end|><|assistant|>answer<|end|>"
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    assert TOKENIZER.apply_chat_template(turns, tokenize=False) == rendered
    with pytest.raises(Exception, match="unknown role"):
        TOKENIZER.apply_chat_template([{"role": "tool", "content": "x"}])


def test_special_tokens_and_limits() -> None:
    assert (TOKENIZER.bos_token, TOKENIZER.eos_token, TOKENIZER.pad_token) == ("<s>", "<|end|>", "<pad>")
    assert TOKENIZER.model_max_length == 4096
    assert all(len(TOKENIZER(token)["input_ids"]) == 1 for token in SPECIAL)
