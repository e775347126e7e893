"""Final answers, clusters and votes."""

import numpy as np
import pytest

from genius_bench.sampling.answers import agrees, final_answer
from genius_bench.sampling.clustering import ClusterOptions, clusters_of, conclusion, distances, medoid
from genius_bench.sampling.voting import losers, vote, winner

CLUSTERS = ClusterOptions()
WALK = "You should take a long walk in the park."
SLEEP = "Everybody needs eight hours of sleep."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so 6 * 7 = 42.\nThe answer is 42.", "42"),
        ("The answer is **42 apples**.", "42"),
        ("The answer is _42_.", "42"),
        ("Answer: __x+1__", "x+1"),
        ("First the answer is 3. No: the answer is 4.", "4"),
        (r"Hence \boxed{-\frac{1}{2}}", "-0.5"),
        (r"The answer is \boxed{x = 3}.", "3"),
        (r"\boxed{2x}", "2x"),
        ("#### $1,234", "1234"),
        ("I think\nB", "B"),
        ("The answer is (B) Paris.", "B"),
        ("The answer is no.", "No"),
        ("The answer is no one.", "no one"),
        ("The answer is a dog.", "a dog"),
        ("42", "42"),
        ("", None),
        ("There were 5 dogs and then 7.", None),
        ("La réponse est quatre.", None),
        ("The answer is to go for a very long walk in the park every day.", None),
    ],
)
def test_final_answers_are_read_where_answers_stand(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


def test_gold_answers_may_be_whole_solutions() -> None:
    assert agrees("The answer is 4.0", "2 + 2 = 4\n#### 4")
    assert agrees("The answer is $1,000.", "1000")
    assert not agrees("Four.", "4")
    assert not agrees("The answer is 5.", "4")


def test_conclusions_are_the_answer_phrase_or_the_last_paragraph() -> None:
    assert conclusion("Some thoughts.\n\nThe answer is a walk. Enjoy.") == "a walk"
    assert conclusion("Some thoughts.\n\nGo for a walk.\n") == "Go for a walk."
    assert conclusion("") == ""


def test_clusters_hold_texts_that_say_alike() -> None:
    labels = clusters_of([WALK, SLEEP, WALK.replace("long", "short"), SLEEP], CLUSTERS)
    assert labels[0] == labels[2] != labels[1] == labels[3]
    assert len(set(clusters_of(["one", "two", "three", "four"], CLUSTERS))) == 4, "nobody agrees"
    assert len(set(clusters_of(["one", "two", "three", "four"], ClusterOptions(clustering="kmeans")))) == 3


@pytest.mark.parametrize("texts", [[], ["x"], ["same", "same"], ["", ""], ["!?", "…", "!?"], ["", "word"]])
@pytest.mark.parametrize("clustering", ["threshold", "kmeans"])
def test_clusters_of_odd_texts(texts: list[str], clustering: str) -> None:
    labels = clusters_of(texts, ClusterOptions.model_validate({"clustering": clustering}))
    assert len(labels) == len(texts)
    assert len(set(labels)) == len(set(texts))


def test_chinese_is_compared_by_character() -> None:
    assert distances(["我喜欢在公园散步", "我喜欢在公园里散步", "他不吃鱼"])[0, 1] < 0.5


def test_distances_are_zero_between_equal_texts_and_the_medoid_is_the_middle() -> None:
    texts = ["a b c d", "a b c d e f", "e f g h"]
    np.testing.assert_allclose(np.diag(distances(texts)), 0)
    assert distances(["!", "!"]).max() == 0
    assert medoid(texts) == 1
    assert medoid(["x", "x"]) == 0


def said(*answers: object) -> list[str]:
    return ["I do not know." if answer is None else f"The answer is {answer}." for answer in answers]


def test_closed_answers_are_counted() -> None:
    groups = vote(said(3, 4, "3.0", 5, 3), CLUSTERS)
    assert [(group.members, group.votes) for group in groups] == [((0, 2, 4), 3), ((1,), 1), ((3,), 1)]
    assert winner(groups) is groups[0]
    assert losers(groups, groups[0]) == groups[1:]


def test_level_answers_have_no_winner() -> None:
    assert winner(vote(said(3, 3, 4, 4, 5), CLUSTERS)) is None
    assert winner([]) is None


def test_responses_without_an_answer_stand_alone_and_cannot_win() -> None:
    groups = vote(said(None, None, 3, 3), CLUSTERS)
    assert [group.votes for group in groups] == [2, 1, 1]
    assert winner(groups) is groups[0]
    assert winner(vote(said(None, 3), CLUSTERS)) is None


def test_below_half_with_an_answer_clusters_vote() -> None:
    groups = vote([WALK, WALK, SLEEP, *said(3)], CLUSTERS)
    assert groups[0].members == (0, 1)
    assert winner(groups) is groups[0]


def test_only_voters_vote() -> None:
    groups = vote(said(3, 3, 4, 4, 4, 5), CLUSTERS, voters=2)
    assert [(group.members, group.votes) for group in groups] == [((0, 1), 2), ((2, 3, 4), 0), ((5,), 0)]
    assert losers(groups, groups[0]) == groups[1:]


def test_who_has_all_votes_has_no_losers() -> None:
    groups = vote(said(3, 3), CLUSTERS)
    assert losers(groups, groups[0]) == []
