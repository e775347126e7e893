"""An online training in several processes: the rollouts and weights of one, also after an end before its time."""

from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.artifacts import Store
from genius_bench.errors import InputError
from genius_bench.objectives.online.named import TokenMean
from genius_bench.recipe import LaunchSection
from tests.training.launched import install, launch_in_own_network, own_network
from tests.training.support import largest_difference

from .support import STEPS, learn, rollouts_of

METHOD = '''
import os
from genius_bench.online_method import OnlineMethod


class Wary(OnlineMethod):
    """Rewards words from the first half of the vocabulary; a query that it is warned of breaks it."""

    name = title = "wary"
    source = "a test"

    def teacher_weight(self, progress):
        return 0.5

    def reward(self, group):
        if group.query.id == os.environ.get("WARNED_OF") and os.environ.get("RANK"):
            return [float("nan")] * len(group.responses)
        words = [*group.responses, *group.of_teacher]
        mean = sum(token < 20 for one in words for token in one.token_ids) / sum(len(one.token_ids) for one in words)
        return [sum(token < 20 for token in one.token_ids) / len(one.token_ids) - mean for one in group.responses]
'''


@own_network
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_learn_what_one_does_also_after_one_of_them_has_failed(
    tmp_path: Path, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_points = "[genius_bench.methods]\nwary = wary_plugin:Wary\n"
    install(tmp_path / "plugin", monkeypatch, "wary_plugin", METHOD, entry_points)
    registry._group.cache_clear()
    launch_in_own_network(monkeypatch)
    from wary_plugin import Wary  # type: ignore[import-not-found]

    objective = TokenMean(kl="reward-k1", beta=0.05)
    alone = learn(Store(tmp_path / "alone"), llama, Wary, objective=objective, checkpoint_every=1)
    asked = {
        row["step"]: row["query_id"] for row in rollouts_of(alone)
    }  # the last of a step: the second process's

    store, both = Store(tmp_path / "home"), LaunchSection(launcher="torchrun", processes=2)
    monkeypatch.setenv("WARNED_OF", asked[3])
    with pytest.raises(InputError, match=rf"method 'wary', step 3, query '{asked[3]}': the reward .* is nan"):
        learn(store, llama, Wary, objective=objective, checkpoint_every=1, launch=both)
    [begun] = (tmp_path / "home" / "artifacts" / "checkpoint").glob("*.partial")
    assert len(list((begun / "rows").iterdir())) == 2
    monkeypatch.delenv("WARNED_OF")
    together = learn(store, llama, Wary, objective=objective, checkpoint_every=1, launch=both)
    registry._group.cache_clear()

    assert together.key == alone.key
    ours, theirs = rollouts_of(together), rollouts_of(alone)
    for name in ("id", "response_ids", "text", "finish_reason"):
        assert [row[name] for row in ours] == [row[name] for row in theirs], name
    for name in ("reward", "penalty", "advantage"):
        assert [row[name] for row in ours] == pytest.approx([row[name] for row in theirs], abs=1e-4), name
    assert largest_difference(together, alone) < 1e-5
    lines = [one.json("trainer_log.json") for one in (together, alone)]
    assert len(lines[0]) == STEPS
    for ours_, theirs_ in zip(*lines, strict=True):
        assert ours_ == pytest.approx(theirs_, abs=1e-4)
    counts = [one.manifest["counters"] for one in (together, alone)]
    for name in ("tokens_sampled", "tokens_read", "tokens_trained", "rows_trained"):
        assert counts[0][name] == counts[1][name], name
