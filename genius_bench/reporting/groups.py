"""Which evaluations share a board: equal settings and equal tasks. The one with most models is shown first, the others
are named, so that no row is lost without a word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from genius_bench.integrity import digest_of
from genius_bench.runs import Run


@dataclass
class Group:
    """Models (fingerprint → name) that were scored on the same tasks under the same settings."""

    settings: dict[str, Any]
    tasks: list[str]
    models: dict[str, str] = field(default_factory=dict)
    newest: int = 0
    """The place of its newest evaluation among all."""

    @property
    def told(self) -> str:
        """In a few words, for a list of boards."""
        names = sorted(set(self.models.values()))
        who = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        tasks = self.tasks[0] if len(self.tasks) == 1 else f"{len(self.tasks)} tasks"
        limit = f", first {self.settings['limit']} items" if self.settings.get("limit") else ""
        split = f", {self.settings['split']} split" if self.settings.get("split") else ""
        temperature = f"T={self.settings['temperature']:g}"
        return f"{len(self.models)} scored on {tasks}, {self.settings['protocol']}, {temperature}{limit}{split}: {who}"


def groups_of(runs: Sequence[Run]) -> list[Group]:
    """Those with trained models before those of bases alone, then those on all items before try-outs on the first ones,
    then those with most models; of equals the newest."""
    found: dict[str, Group] = {}
    trained = {checkpoint["fingerprint"] for run in runs for checkpoint in run.checkpoints}
    for place, evaluation in enumerate(one for run in runs for one in run.on_boards):
        key = digest_of([evaluation.settings, sorted(evaluation.scores)])
        group = found.setdefault(key, Group(evaluation.settings, list(evaluation.scores)))
        group.models[evaluation.fingerprint] = evaluation.model
        group.newest = place
    return sorted(
        found.values(),
        key=lambda group: (
            *rank(group.settings, len(group.models), trained=not trained.isdisjoint(group.models)),
            -group.newest,
        ),
    )


def rank(settings: dict[str, Any], models: int, *, trained: bool) -> tuple[bool, bool, int]:
    """What boards are put in order by: the lowest first."""
    return not trained, bool(settings.get("limit")), -models


def hidden_by(shown: Group, groups: Sequence[Group]) -> list[tuple[int, Group]]:
    """Number and group of all others that hold a model or a task which the shown board does not."""
    return [
        (number, group)
        for number, group in enumerate(groups, start=1)
        if group is not shown
        and not (
            group.settings == shown.settings
            and set(group.tasks) <= set(shown.tasks)
            and group.models.keys() <= shown.models.keys()
        )
    ]
