"""What a home holds, in a notebook or a script, and the two commands that add to it.

    from genius_bench import Home

    home = Home("~/.genius-bench")          # or Home(): $GENIUS_BENCH_HOME, as on the command line
    run = home.train(method="genius", corpus={"queries": 500})
    home.scores(run)                        # one row a model, task and metric
    home.pairs(run), home.curves(run), home.answers(run, task="lab_words")

Every table is a pandas DataFrame over Arrow columns. Its units are those of all output for programs (docs/workbench.md,
"Units"): scores, gains and intervals are shares between 0 and 1, log-probabilities and advantages in nats, time in
seconds, disk in bytes. Heavy libraries are imported by the method that needs them; nothing here imports torch. Stages
run in processes of their own, so a script calls `train` and `evaluate` behind `if __name__ == "__main__":`.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genius_bench.layers import Layer, merge, read_layer, validate
from genius_bench.recipe import EngineSection, EvaluationSection

if TYPE_CHECKING:
    import pandas

    from genius_bench.reporting.scored import Scored
    from genius_bench.runs import Run


class Home:
    """A folder of artifacts and runs. Methods raise `genius_bench.errors.InputError` with one line that says what to
    do, where the command line prints that line."""

    def __init__(self, path: Path | str | None = None) -> None:
        """Without a path: `$GENIUS_BENCH_HOME` or `~/.genius-bench`."""
        given = path or os.environ.get("GENIUS_BENCH_HOME") or Path.home() / ".genius-bench"
        self.path = Path(given).expanduser()

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    def train(self, recipe: Layer | Path | str | None = None, *, evaluate: bool = True, **values: Any) -> str:
        """Trains and scores as `genius-bench train` does, finding what is there, and returns the run's id.

        `recipe` is a mapping or a YAML file; `values` are sections or keys on top of it: method="scpo", seed=1,
        training={"learning_rate": 1e-6}.
        """
        from genius_bench.pipeline import train
        from genius_bench.processes import warm_up
        from genius_bench.resolution import resolve

        below = recipe if isinstance(recipe, dict) else read_layer(Path(recipe)) if recipe else {}
        warm_up()
        return train(self.path, resolve(merge(below, values)), evaluate=evaluate).id

    def evaluate(self, checkpoint: Path | str, *, engine: Layer | None = None, **settings: Any) -> str:
        """Scores a checkpoint as `genius-bench eval` does and returns the run's id.

        `settings` are keys of the recipe's `evaluation` section: suite="reasoning", samples=4, limit=50.
        """
        from genius_bench.pipeline import evaluate_one
        from genius_bench.processes import warm_up

        warm_up()
        asked = validate(EvaluationSection, settings, "evaluation")
        return evaluate_one(
            self.path, str(checkpoint), asked, validate(EngineSection, engine or {}, "engine")
        ).id

    def runs(self) -> "pandas.DataFrame":
        """All runs, oldest first: id, what, state, finished_at, seconds (that their artifacts took), bytes."""
        from genius_bench.reporting.run_facts import listed

        return _frame(listed(self.path))

    def scores(self, run: str = "") -> "pandas.DataFrame":
        """A row a model, task and metric of one run, or of all: value, low and high (95 %) are shares, n is items."""
        from genius_bench.artifacts import Store
        from genius_bench.reporting.run_facts import scores

        store = Store(self.path)
        return _frame(row for one in self._chosen(run) for row in scores(store, one))

    def board(self, suite: str | None = None, *, means: bool = False, number: int = 1) -> "pandas.DataFrame":
        """The board's rows: label, average and its interval, gain over the base with interval and p-value, and a column
        a task; shares."""
        from genius_bench.evaluation.cards import resolve_suite
        from genius_bench.reporting.board import build_board

        tasks = resolve_suite(suite) if suite else None
        return _frame(
            {
                "label": row.label,
                "is_base": row.is_base,
                "seeds": row.seeds,
                **_named("average", row.average, ("value", "low", "high")),
                **_named("gain", row.average_gain, ("difference", "low", "high", "p_value")),
                **{task: cell.value if cell else None for task, cell in row.cells.items()},
            }
            for row in build_board(self.path, tasks=tasks, means=means, number=number).rows
        )

    def answers(self, run: str = "", *, task: str | None = None) -> "pandas.DataFrame":
        """Every graded answer of the models of a run (the newest when not given): model, task, item_id, repeat (0 is
        the greedy one), question, gold, response, extracted, correct, …"""
        [*_, chosen] = self._chosen(run)
        return _frame(
            {"model": one.label, "task": name, **row}
            for one in self._scored(chosen)
            for name in one.artifacts
            if task in (None, name)
            for rows in one.rows(name).values()
            for row in rows
        )

    def pairs(self, run: str = "", *, iteration: int | None = None) -> "pandas.DataFrame":
        """What a run was trained on (the newest when not given), as `genius-bench pairs` writes it."""
        from genius_bench.reporting.training_rows import readable_rows, trained_on

        sets = trained_on(self.path, run)[1]
        return _frame(readable_rows([one for one in sets if iteration in (None, one.iteration)]))

    def rollouts(self, run: str = "", *, step: int | None = None) -> "pandas.DataFrame":
        """What an online run drew and how it was rewarded (the newest when not given), as `genius-bench pairs` writes
        it; of one step alone (1, 2, …), where all would not fit."""
        from genius_bench.reporting.rollout_rows import drawn_by, readable_rollouts

        return _frame(readable_rollouts(drawn_by(self.path, run)[1], step))

    def curves(self, run: str = "") -> "pandas.DataFrame":
        """What was logged of every optimiser step of a run (the newest when not given): iteration, step, loss,
        learning_rate, the objective's metrics; of an online run also what its auditor found by answers that no reward
        saw (audit_right, audit_label_accuracy, …)."""
        from genius_bench.artifacts import Store
        from genius_bench.online.audit import audit_lines

        chosen = self._trained(run)
        store = Store(self.path)
        return _frame(
            {
                "run": chosen.id,
                "iteration": int(made["iteration"]),
                **entry,
                **_audited(audits.get(entry["step"])),
            }
            for made in chosen.checkpoints
            for audits in [audit_lines(store, made["key"], chosen.corpus["fingerprint"])]
            for entry in store.named("checkpoint", made["key"]).json("trainer_log.json")
        )

    def checkpoint(self, run: str = "", iteration: int | None = None) -> Path:
        """Where the checkpoint of a run lies (the newest run and its last iteration when not given)."""
        from genius_bench.errors import InputError

        made = self._trained(run).checkpoints
        if (iteration or 1) > len(made):
            raise InputError(f"there is no iteration {iteration}: the run has {len(made)}")
        return Path(made[(iteration or 0) - 1]["path"])

    def _trained(self, run: str) -> "Run":
        """The newest of those that are meant that has a checkpoint."""
        from genius_bench.errors import InputError

        trained = [one for one in self._chosen(run) if one.checkpoints]
        if not trained:
            raise InputError(f"{f'run {run}' if run else self.path} has no checkpoint: nothing was trained")
        return trained[-1]

    def _chosen(self, run: str) -> "list[Run]":
        from genius_bench.runs import chosen_runs

        return chosen_runs(self.path, [run] if run else [])

    def _scored(self, run: "Run") -> "Iterable[Scored]":
        """The models of a run with their graded answers, labelled as on a board."""
        from genius_bench.artifacts import Store
        from genius_bench.reporting.scored import scored_models

        store = Store(self.path)
        for evaluation in run.on_boards[:1]:
            yield from scored_models(store, [run], evaluation.settings, list(evaluation.scores), whole=False)


def _audited(line: dict[str, float] | None) -> dict[str, float]:
    return {f"audit_{name}": value for name, value in (line or {}).items() if name != "step"}


def _named(name: str, numbers: tuple[float, ...] | None, parts: tuple[str, ...]) -> dict[str, float | None]:
    """average, average_low, …: the first part needs no name of its own."""
    names = [name, *(f"{name}_{part}" for part in parts[1:])]
    return dict(zip(names, numbers or [None] * len(names), strict=False))


def _frame(rows: Iterable[dict[str, Any]]) -> "pandas.DataFrame":
    import pandas
    import pyarrow as pa

    held = list(rows)
    columns = list(dict.fromkeys(name for row in held for name in row))
    table = pa.table({name: [row.get(name) for row in held] for name in columns})
    return table.to_pandas(types_mapper=pandas.ArrowDtype)
