"""What a recipe reads from the hub: models, the corpus, the data sets of its tasks."""

from pathlib import Path

from genius_bench.evaluation.cards import task_card, tasks_of
from genius_bench.mirror.corpora import corpus_pieces
from genius_bench.mirror.manifest import Piece
from genius_bench.mirror.models import model_pieces
from genius_bench.mirror.tasks import task_pieces
from genius_bench.recipe import Recipe


def needed(recipe: Recipe, folder: Path) -> list[Piece]:
    """The pieces of a mirror in `folder` with which `train` and the evaluation after it need no network.

    Raises `InputError` for an unknown task or suite.
    """
    evaluation = recipe.evaluation
    models = [recipe.model]
    if evaluation.judge.model and not evaluation.judge.url:
        models.append(evaluation.judge.model)
    pieces = [piece for name in models for piece in model_pieces(name, folder)]
    pieces += corpus_pieces(recipe.corpus)
    for task in tasks_of(evaluation, recipe.model)[0]:
        pieces += task_pieces(task_card(task), evaluation.split)
    return list({piece.wanted.place: piece for piece in pieces}.values())
