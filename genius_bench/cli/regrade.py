"""`genius-bench regrade`: stored answers, graded again with the graders of this version. Nothing is generated."""

from genius_bench.cli import app
from genius_bench.cli.options import Home, UnsafeCode
from genius_bench.errors import InputError
from genius_bench.printing import note, say


@app.command()
def regrade(
    home: Home,
    unsafe_code: UnsafeCode = False,
) -> None:
    """Grade all stored answers again with this version's graders, without generating anything."""
    from dataclasses import replace

    from genius_bench.artifacts import Store
    from genius_bench.evaluation.stage import regrade as grade_again
    from genius_bench.runs import read_runs, write_run
    from genius_bench.sharing.references import closure

    store, runs = Store(home), read_runs(home)
    _, lost = closure([replace(run, checkpoints=[], corpus={}) for run in runs], store)
    gone = ", ".join(sorted(f"{kind} {key[:12]}" for key, kind in lost.items()))
    ours = [score for score in store.all("scores") if "generations" in score.manifest["inputs"]]
    before = {score.key: score.manifest["inputs"]["generations"] for score in ours}
    now = {
        score.manifest["inputs"]["generations"]: score
        for score in grade_again(store, unsafe_code=unsafe_code)
    }

    def newest(key: str) -> str:
        """Judged scores, and those of other harnesses, stay as they are."""
        graded = now.get(before.get(key, ""))
        return graded.key if graded else key

    for run in read_runs(home):
        evaluations = [
            replace(one, scores={task: newest(key) for task, key in one.scores.items()})
            for one in run.evaluations
        ]
        if evaluations != run.evaluations:
            write_run(home, replace(run, evaluations=evaluations))
    if gone and not now:
        raise InputError(f"nothing to grade: runs of {home} refer to what is gone ({gone})")
    if gone:
        note(f"runs refer to what is gone, and scores made of it stay as they are: {gone}")
    changed = sum(not score.reused for score in now.values())
    say(f"{len(now)} sets of answers, {changed} graded anew")
