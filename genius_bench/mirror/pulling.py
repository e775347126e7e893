"""Filling a mirror: piece by piece, each recorded when it is whole, so that an interrupted pull continues."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from genius_bench.errors import InputError, first_line
from genius_bench.mirror.manifest import Piece, is_whole, read_manifest, write_manifest
from genius_bench.mirror.needs import needed
from genius_bench.recipe import Recipe

Failures = dict[str, str]
"""Place → reason."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """The pieces of a mirror, and those of them that are not there or not as they were written."""

    pieces: list[Piece]
    missing: list[Piece]


def plan(folder: Path, recipe: Recipe) -> Plan:
    """What a mirror for a recipe needs. Reads what is there, and asks nobody."""
    pieces = needed(recipe, folder)
    held = read_manifest(folder) or {}
    return Plan(pieces, [p for p in pieces if not is_whole(folder, p.wanted, held.get(p.wanted.place))])


def pull(folder: Path, recipe: Recipe, planned: Plan, say: Say) -> Failures:
    """Fetches what is missing; what cannot be had is returned with the reason, and the others come all the same."""
    with _alone_in(folder):
        failures = _fetch(folder, planned.missing, say)
        after = plan(folder, recipe)  # an adapter that has come names its base
        known = {piece.wanted.place for piece in planned.pieces}
        return failures | _fetch(folder, [p for p in after.missing if p.wanted.place not in known], say)


def _fetch(folder: Path, pieces: list[Piece], say: Say) -> Failures:
    failures: Failures = {}
    held = read_manifest(folder) or {}
    held |= {piece.wanted.place: piece.wanted for piece in pieces}
    write_manifest(folder, held)
    for piece in pieces:
        name = f"{piece.wanted.kind} {piece.wanted.name}"
        say(f"{name}: fetching from {piece.wanted.source}")
        try:
            found = piece.fetch(folder)
        except Exception as error:  # hub clients raise a dozen kinds, all meaning: not to be had
            failures[piece.wanted.place] = reason = _reason(piece.wanted.source, error)
            say(f"{name}: not to be had: {reason}")
            continue
        held[piece.wanted.place] = found
        write_manifest(folder, held)
        if found.as_expected is False:
            say(f"{name}: here, but these are not the items that the task expects")
    return failures


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".pull.lock", timeout=0):
            yield
    except Timeout:
        raise InputError(f"another pull is at work in {folder}") from None
    except OSError as error:
        raise InputError(f"cannot keep a mirror in {folder}: {error.strerror or error}") from error


def _reason(source: str, error: Exception) -> str:
    """What a hub's refusal means, in one line."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    cause = error.__cause__ if isinstance(error, InputError) else error
    if isinstance(cause, GatedRepoError):
        return f"its owners ask you to accept their terms at {constants.ENDPOINT}/{source}; then set HF_TOKEN"
    if isinstance(cause, RepositoryNotFoundError):
        return f"there is no {source} at {constants.ENDPOINT}, or it is private (HF_TOKEN)"
    return first_line(cause if isinstance(cause, Exception) else error)
