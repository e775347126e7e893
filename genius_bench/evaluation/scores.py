"""A task's numbers as they are kept beside its graded answers."""

from collections.abc import Iterable
from dataclasses import asdict

from genius_bench.artifacts import Artifact, Build
from genius_bench.errors import InputError
from genius_bench.rows import Score

FILE = "scores.json"


def write_scores(build: Build, scores: Iterable[Score]) -> None:
    build.write_json(FILE, [asdict(one) for one in scores])


def read_scores(artifact: Artifact) -> list[Score]:
    """Raises `InputError` where they are damaged or gone."""
    try:
        return [Score(**row) for row in artifact.json(FILE)]
    except TypeError as error:
        raise InputError(f"{artifact.path / FILE} holds no scores ({error})") from error
