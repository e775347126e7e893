"""Steps of an answer: tokens as they were sampled, none lost and none twice."""

from genius_bench.engines.interface import Completion
from genius_bench.sampling.steps import steps_of
from tests.sampling.scripted import CharacterTokenizer


def cut(
    text: str, delimiter: str = "\n", reason: str = "eos", end: tuple[int, ...] = (1,)
) -> list[Completion]:
    ids = (*map(ord, text), *end)
    numbered = tuple(-float(place) for place in range(len(ids)))
    answer = Completion(token_ids=ids, text=text, logprobs=numbered, finish_reason=reason)  # type: ignore[arg-type]
    return steps_of(answer, delimiter, lambda some: CharacterTokenizer().decode(list(some)))


def texts(text: str, delimiter: str = "\n") -> list[str]:
    return [step.text for step in cut(text, delimiter)]


def test_a_step_ends_with_its_delimiter_and_the_answer_with_none() -> None:
    assert texts("a1\na2\nThe answer is 9.") == ["a1\n", "a2\n", "The answer is 9."]
    assert texts("a1\na2\n") == ["a1\n", "a2\n"]
    assert texts("one line") == ["one line"]
    assert texts("") == []
    assert texts("a\nb\n\nc", "\n\n") == ["a\nb\n\n", "c"]


def test_blank_lines_are_no_steps() -> None:
    assert texts("\n\na1\n\n\na2\n \n") == ["\n\na1\n", "\n\na2\n \n"]
    assert texts("\n \n") == ["\n \n"]


def test_steps_keep_tokens_and_log_probabilities_but_no_end_token() -> None:
    first, second = cut("ab\ncd")
    assert (first.token_ids, second.token_ids) == ((97, 98, 10), (99, 100))
    assert (first.logprobs, second.logprobs) == ((0.0, -1.0, -2.0), (-3.0, -4.0))
    assert [step.finish_reason for step in (first, second)] == ["stop", "stop"]
    [whole] = cut("ab", reason="length", end=())
    assert whole.token_ids == (97, 98), "an answer that did not end has no end token to lose"
