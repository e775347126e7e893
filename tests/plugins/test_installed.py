"""A third party's package, and one that `genius-bench new` lays down, installed and used beside what is ours."""

import json
import shutil
from pathlib import Path

import pytest

from genius_bench import registry
from genius_bench.artifacts import Store
from genius_bench.runs import read_runs
from genius_bench.starting import lay_down
from tests.plugins.installed import install, with_plugins

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ["--queries", "8", "--set", "training.batch_size=4", "--set", "training.micro_batch_size=4"]
SMALL += ["--set", "sampling.max_tokens=100", "--set", "evaluation.temperatures=[]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    example = shutil.copytree(EXAMPLES, folder / "example", ignore=shutil.ignore_patterns("__pycache__"))
    install([example, lay_down("method", "best-of-two", folder)], folder / "site")
    return folder / "site"


def test_all_kinds_are_listed_beside_ours(site: Path) -> None:
    code = (
        "import json; from genius_bench import registry;"
        "print(json.dumps({kind: registry.names(kind) for kind in registry.GROUPS}))"
    )
    listed = json.loads(with_plugins(site, code))
    theirs = {kind: set(listed[kind]) - set(registry.names(kind)) for kind in registry.GROUPS}
    assert theirs == {
        "methods": {"best-of-two", "example-agreement", "example-brevity", "example-confidence"},
        "objectives": {"example-hinge"},
        "token_objectives": set(),
        "tasks": {"example-plugin"},
        "corpora": {"example-sums"},
        "engines": {"example-plain"},
    }
    assert all(set(registry.names(kind)) <= set(listed[kind]) for kind in registry.GROUPS)


def test_a_third_party_may_name_suites_of_its_own(site: Path) -> None:
    code = (
        "from genius_bench.evaluation.cards import resolve_suite;"
        "print(*resolve_suite('example'), *resolve_suite('aime'))"
    )
    assert with_plugins(site, code) == "example_parity lab_words aime24"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_laid_down_method_trains_the_lab_model_on_their_corpus_with_their_engine_for_their_task(
    site: Path, tmp_path: Path
) -> None:
    command = ["train", "--method", "best-of-two", "--corpus", "example-sums", "--engine", "example-plain"]
    command += ["--suite", "example_parity", "--set", "evaluation.samples=1", *SMALL]
    command += ["--set", "evaluation.limit=6"]
    said = with_plugins(site, *command, "--home", str(tmp_path))
    assert "best-of-two seed 0" in said
    [run] = read_runs(tmp_path)
    assert {evaluation.model for evaluation in run.evaluations} == {"lab", "best-of-two"}
    [collection] = Store(tmp_path).all("collection")
    traces = [row["trace"] for row in collection.rows() if row["trace"]]
    [training_set] = Store(tmp_path).all("training-set")
    assert len(list(training_set.rows())) == len(traces) > 0


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_their_pairs_are_trained_on_with_their_objective(site: Path, tmp_path: Path) -> None:
    command = ["train", "--method", "example-brevity", "--objective", "example-hinge", "--no-eval", *SMALL]
    with_plugins(site, *command, "--home", str(tmp_path))
    [training_set] = Store(tmp_path).all("training-set")
    rows = list(training_set.rows())
    assert rows
    assert all(len(row["chosen_ids"]) < len(row["rejected_ids"]) for row in rows)
    [run] = read_runs(tmp_path)
    log = json.loads((Path(run.checkpoints[0]["path"]).parent / "trainer_log.json").read_text("utf-8"))
    # The first step's policy is the reference: both rewards are 0, and the hinge is at 1.
    assert next(entry["loss"] for entry in log if "loss" in entry) == pytest.approx(1.0, abs=1e-3)
