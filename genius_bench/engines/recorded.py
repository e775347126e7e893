"""A checkpoint that a home made is known: the fingerprint under which it was made stands beside it."""

import re
from pathlib import Path

from genius_bench.artifacts import Artifact
from genius_bench.errors import InputError

PLACE = ("artifacts", "checkpoint")
KEY = re.compile(r"[0-9a-f]{64}")
RECORD, RECORD_ON_THE_WAY = "fingerprint.json", "steps.json"
"""Files of a checkpoint: its fingerprint, and step → fingerprint of those that were kept on the way."""


def check_recorded(folder: Path, fingerprint: str) -> None:
    """Raises `InputError` where `folder` is a checkpoint of a home and its fingerprint was another, or is not known."""
    folder = folder.resolve()
    for artifact in folder.parents[:3]:
        if folder.name == "model" and artifact.parent.parts[-2:] == PLACE and KEY.fullmatch(artifact.name):
            made = Artifact("checkpoint", artifact.name, artifact)
            if (recorded := _recorded(made, folder)) not in (None, fingerprint):
                raise InputError(
                    f"the checkpoint in {folder} is damaged, or the base of its adapter is another (its fingerprint is "
                    f"{fingerprint[:12]}, and was {recorded[:12]}): remove {artifact}, then run again what made it"
                )


def _recorded(artifact: Artifact, folder: Path) -> str | None:
    if folder == artifact.path / "model":
        return str(artifact.json(RECORD)["fingerprint"]) if artifact.has(RECORD) else None
    steps = artifact.json(RECORD_ON_THE_WAY) if artifact.has(RECORD_ON_THE_WAY) else {}
    return steps.get(folder.parent.name)
