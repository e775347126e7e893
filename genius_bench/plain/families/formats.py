"""`plain_formats`: answers whose form can be checked. Levels: a word to use, one sentence with a word, a number of
bullets, a beginning with an end, and three demands at once."""

from random import Random

from genius_bench.plain.problem import Problem

TOPICS = {
    "rain": "clouds",
    "bread": "flour",
    "the sea": "waves",
    "a garden": "flowers",
    "winter": "snow",
    "a library": "books",
    "breakfast": "eggs",
    "a train ride": "window",
    "a birthday": "cake",
    "the night sky": "stars",
    "a forest": "trees",
    "a kitchen": "stove",
    "a football match": "goal",
    "a farm": "cows",
    "a school day": "lesson",
    "music": "song",
}
"""What to write about, and a word that fits."""
READERS = ("a child", "a friend", "a visitor", "a neighbour", "a colleague")
OPENINGS = ("Of course:", "In short:", "My answer:", "To begin with:", "Here it is:")
CLOSINGS = ("That is all.", "The end.", "Thank you.", "I hope this helps.", "Good luck.")


def sample(rng: Random, level: int) -> Problem:
    """One to three demands; the answer is a text that meets them."""
    topic, reader, count = rng.choice(list(TOPICS)), rng.choice(READERS), rng.randint(2, 4)
    word = rng.choice([TOPICS[topic], TOPICS[rng.choice(list(TOPICS))]])
    opening, closing = rng.choice(OPENINGS), rng.choice(CLOSINGS)
    about = f"Whoever thinks of {topic} may think of the word {word} too."
    if level == 1:
        return _problem(
            f'Write something about {topic} for {reader}. Use the word "{word}".', about, f"includes {word}"
        )
    if level == 2:
        return _problem(
            f'Write one sentence about {topic} for {reader}. Use the word "{word}".',
            about,
            "sentences 1",
            f"includes {word}",
        )
    if level == 3:
        return _problem(
            f"Write a list of exactly {count} short points about {topic} for {reader}. "
            'Begin each of them on a new line with "- ".',
            "\n".join([f"- {about}"] * count),
            f"bullets {count}",
        )
    if level == 4:
        return _problem(
            f"Write one sentence about {topic} for {reader}. "
            f'Begin your answer with "{opening}" and end it with "{closing}"',
            f"{opening} {about} {closing}",
            f"begins {opening}",
            f"ends {closing}",
        )
    return _problem(
        f"Write a list of exactly {count} short points about {topic} for {reader}. "
        f'Begin each of them on a new line with "- ", use only small letters, and use the word "{word}".',
        "\n".join([f"- {about.lower()}"] * count),
        f"bullets {count}",
        "lowercase",
        f"includes {word}",
    )


def _problem(question: str, answer: str, *tests: str) -> Problem:
    return Problem(question, answer, f"formats {question}", tests=tests)
