"""Names as answers: where the answer states one, where it only speaks of one, and where it leaves it open."""

import pytest

from genius_bench.answers.named import extract

NAMES = ("Ann", "Bea", "Carl")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bea", "Bea"),
        ("**Bea**", "Bea"),
        ("bea.", "Bea"),
        ("The tallest is Bea.", "Bea"),
        ("The answer is Bea.", "Bea"),
        ("Answer: Bea, because she is taller than Carl.", "Bea"),
        ("Carl is taller than Ann. Bea is taller than Carl.\nThe answer is Bea.", "Bea"),
        ("The answer is Ann.\n\nWait, that is wrong. The answer is Bea.", "Bea"),
        ("The answer is not Ann but Bea.", "Bea"),
        (r"So it must be \boxed{Bea}.", "Bea"),
        ("Ann is shorter than Bea, so Bea is the tallest.", "Bea"),
        ("Bea is the tallest because Ann and Carl are shorter.", "Bea"),
        ("Bea is taller than Carl.", "Bea"),
        ("It is not Ann, it is Bea.", "Bea"),
        ("Ann is 3.\nCarl is 5.\nThe oldest is Bea.", "Bea"),
        ("<think>It could be Carl.</think>Bea", "Bea"),
        ("The answer is Ann or Bea.", None),
        ("The answer is Ann and Carl.", None),
        ("Nobody is.", None),
        ("Annabel is the tallest.", None),
        ("The answer is not Ann.", None),
        ("", None),
    ],
)
def test_the_name_that_an_answer_gives(text: str, name: str | None) -> None:
    assert extract(text, NAMES) == name


def test_a_name_of_two_words_goes_before_one_that_it_holds() -> None:
    assert extract("It is New York City.", ("York", "New York City")) == "New York City"
