"""Where the first step of a response ends: found by halving, and the same as found token by token."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genius_bench.engines.loading import load_tokenizer
from genius_bench.lab import MODEL_PATH
from genius_bench.sampling.foresight import Search, _end_of_first_step
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.policy import Policy
from genius_bench.sampling.prompts import Prompt
from tests.engines.conftest import build
from tests.sampling.scripted import ScriptedEngine


@pytest.fixture(scope="module", params=["lab", "llama", "qwen2"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Byte-level and sentencepiece-like: pieces may be parts of characters, and spaces may be swallowed."""
    if request.param == "lab":
        return load_tokenizer(MODEL_PATH, None)
    return load_tokenizer(build(request.param, tmp_path_factory.mktemp(request.param)), None)


class CountingTokenizer:
    def __init__(self, inner: Any) -> None:
        self._inner, self.decoded = inner, 0

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        self.decoded += len(ids)
        text: str = self._inner.decode(ids, skip_special_tokens=skip_special_tokens)
        return text


def search(tokenizer: Any, **options: Any) -> Search:
    engine = ScriptedEngine(lambda text, random: ("", 0.0))
    engine.tokenizer = tokenizer
    nothing = Prompt((), "", lambda text: ())
    return Search("q", nothing, Policy(engine, 0), ForesightOptions(**options))


def token_by_token(ids: tuple[int, ...], tokenizer: Any, options: ForesightOptions) -> int:
    for end in range(1, min(len(ids), options.step_max_tokens)):
        text = tokenizer.decode(list(ids[:end]), skip_special_tokens=True)
        if options.step_delimiter in (text.lstrip() if options.empty_steps == "continue" else text):
            return end
    return min(len(ids), options.step_max_tokens)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_it_ends_where_a_search_token_by_token_finds_it(tokenizer: Any, data: st.DataObject) -> None:
    options = {
        "step_delimiter": data.draw(st.sampled_from(["\n", "\n\n", "…", ". "])),
        "empty_steps": data.draw(st.sampled_from(["continue", "accept"])),
        "step_max_tokens": data.draw(st.sampled_from([1, 7, 1024])),
    }
    texts = st.text(st.sampled_from("ab \n\n.…é\t"), max_size=60) | st.text(max_size=20)
    encoded = texts.map(lambda text: tokenizer(text, add_special_tokens=False)["input_ids"])
    ids = st.lists(st.integers(0, len(tokenizer) - 1), max_size=60)
    response = tuple(data.draw(encoded | ids))
    asked = search(tokenizer, **options)
    assert _end_of_first_step(response, asked) == token_by_token(response, tokenizer, asked.options)


def test_what_is_decoded_grows_with_the_step_and_not_with_its_square() -> None:
    tokenizer = load_tokenizer(MODEL_PATH, None)
    ids = tuple(tokenizer("a cat " * 300 + "\n" + "and on " * 2000, add_special_tokens=False)["input_ids"])
    counting = CountingTokenizer(tokenizer)
    end = _end_of_first_step(ids, search(counting, step_max_tokens=10_000))
    assert end == token_by_token(ids, tokenizer, ForesightOptions(step_max_tokens=10_000))
    assert end > 300
    assert counting.decoded < 40 * end
