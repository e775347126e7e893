"""Labelled responses end as the model's own layout ends them, whichever token that is."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import normalizers, pre_tokenizers

from genius_bench.engines.interface import Completion
from genius_bench.engines.loading import end_tokens
from genius_bench.engines.rendering import encode, render
from genius_bench.engines.turns import answer_ids, turn_of, with_turn_end
from genius_bench.errors import InputError
from genius_bench.rows import FinishReason, Message, PreferencePair
from genius_bench.sampling.policy import Policy
from tests.engines.conftest import sentencepiece_like_tokenizer
from tests.engines.layouts import CHATML, LAYOUTS, MISTRAL, Layout
from tests.sampling.scripted import ScriptedEngine
from tests.trainers.support import ask
from trainers.sft import SFT
from trainers.spin import SPIN

ASKED = [Message(role="user", content="2 + 2?")]
ends_of_turns = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


@ends_of_turns
def test_an_answer_is_what_the_layout_writes_up_to_its_end_of_turn(layout: Layout) -> None:
    tokenizer = layout.tokenizer()
    ids = answer_ids(tokenizer, ASKED, "Four.")
    assert tokenizer.decode(ids) == layout.answer
    assert ids == tuple(encode(tokenizer, layout.answer)), "no token is cut in two where answer and end meet"


@ends_of_turns
def test_prompt_and_answer_are_the_beginning_of_the_rendered_conversation(layout: Layout) -> None:
    tokenizer = layout.tokenizer()
    together = render(tokenizer, ASKED) + answer_ids(tokenizer, ASKED, "Four.")
    if layout.template is None:
        assert tokenizer.decode(together) == "Question: 2 + 2?\n\nAnswer: Four.<eos>"
        return
    said = [*ASKED, Message(role="assistant", content="Four.")]
    whole = encode(tokenizer, tokenizer.apply_chat_template(said, tokenize=False))
    written = len(together) - (layout.answer.endswith("<eos>") and "eos_token" not in layout.template)
    assert list(together[:written]) == whole[:written]


@ends_of_turns
def test_engines_stop_where_labelled_responses_end(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": 7}))
    tokenizer = layout.tokenizer()
    end = answer_ids(tokenizer, ASKED, "Four.")[-1]
    assert end_tokens(tmp_path, tokenizer) == {7, end} | {tokenizer.eos_token_id} - {None}


def test_a_word_after_sentencepiece_is_tokenised_where_it_stands() -> None:
    tokenizer = sentencepiece_like_tokenizer()
    backend = (
        tokenizer.backend_tokenizer
    )  # as Llama 2's: a mark goes before every text, also one that has a space
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    for template in (MISTRAL, None):
        tokenizer.chat_template = template
        turn_of.cache_clear()
        prompt, answer = render(tokenizer, ASKED), answer_ids(tokenizer, ASKED, "Tom has 7.")
        alone = encode(tokenizer, tokenizer.decode(prompt[1:] if template else prompt) + " Tom has 7.")
        assert list(answer) == [*alone[-len(answer) + 1 :], tokenizer.eos_token_id]


@pytest.mark.parametrize("answer", ["I see.</think>Four.", "<think>\nI see.</think>Four."])
def test_an_answer_with_its_thought_goes_on_where_the_prompt_opens_one(answer: str) -> None:
    opened = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    tokenizer = Layout(opened, ("<|im_start|>", "<|im_end|>"), {}, "").tokenizer()
    taught = tokenizer.decode(render(tokenizer, ASKED) + answer_ids(tokenizer, ASKED, answer))
    assert taught.endswith("<|im_start|>assistant\n<think>\nI see.</think>Four.<|im_end|>")
    with pytest.raises(InputError, match="this answer has no </think>"):
        answer_ids(tokenizer, ASKED, "Four.")


def policy(layout: Layout, said: tuple[int, ...] = (), reason: FinishReason = "eos") -> Policy:
    """One that says `said`, always."""
    engine = ScriptedEngine(lambda text, random: ("", 0.0))
    engine.tokenizer = layout.tokenizer()

    async def generate(request: Any) -> Completion:
        text = engine.tokenizer.decode(said, skip_special_tokens=True)
        return Completion(token_ids=said, text=text, logprobs=(0.0,) * len(said), finish_reason=reason)

    engine.generate = generate  # type: ignore[method-assign]
    return Policy(engine, 0)


def collected(method: Any, asked: Policy, **options: Any) -> list[Any]:
    import asyncio

    rows = asyncio.run(method(method.Options(**options)).collect(ask(reference=" Four.\n"), asked)).rows
    return list(rows)


@ends_of_turns
def test_sft_teaches_the_end_of_the_turn(layout: Layout) -> None:
    [row] = collected(SFT, policy(layout))
    assert layout.tokenizer().decode(row.response_ids) == layout.answer


@pytest.mark.parametrize("ended_by", ["<eos>", "<|im_end|>", "\n<|im_end|>", "\n<eos>"])
@pytest.mark.parametrize(
    "name", ["chatml, another end of text (Qwen2.5 base)", "the end on a line of its own"]
)
def test_in_spin_both_sides_end_alike_whatever_ended_the_policy(name: str, ended_by: str) -> None:
    layout = LAYOUTS[name]
    tokenizer = layout.tokenizer()
    pair: PreferencePair
    [pair] = collected(SPIN, policy(layout, tuple(encode(tokenizer, "Five." + ended_by))))
    assert pair.chosen_ids[-1] == pair.rejected_ids[-1]
    assert tokenizer.decode(pair.chosen_ids) == layout.answer
    end = layout.answer.removeprefix("Four.")
    kept = "\n" if ended_by.startswith("\n") and not end.startswith("\n") else ""
    assert tokenizer.decode(pair.rejected_ids) == f"Five.{kept}{end}"
    same = tuple(encode(tokenizer, "Four." + ("<eos>" if "eos" in ended_by else end)))
    assert collected(SPIN, policy(layout, same)) == [], "the very answer with another end is no opponent"


def test_in_spin_a_response_that_did_not_end_is_given_no_end() -> None:
    layout = LAYOUTS["llama 3"]
    said = tuple(encode(layout.tokenizer(), "Five and"))
    [pair] = collected(SPIN, policy(layout, said, "length"), unfinished="keep")
    assert pair.rejected_ids == said


@pytest.mark.parametrize("template", [None, CHATML])
def test_a_layout_without_any_end_is_refused(template: str | None) -> None:
    layout = Layout(template, (), {}, "")
    for attempt in (
        lambda: collected(SFT, policy(layout)),
        lambda: with_turn_end(layout.tokenizer(), (3, 4)),
    ):
        with pytest.raises(InputError, match=r"names no end of sequence \(eos_token in tokenizer_config"):
            attempt()
