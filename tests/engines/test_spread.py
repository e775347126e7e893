"""The engine `ray:…` on real Ray clusters, all on loopback: results, deaths, kills, other people's clusters."""

import asyncio
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'genius-bench[ray]'")

from genius_bench import doctor, registry
from genius_bench.artifacts import Store
from genius_bench.corpora import Corpus
from genius_bench.engines import open_engine
from genius_bench.engines.endpoint import Endpoint
from genius_bench.engines.interface import Completion, Engine, Request
from genius_bench.engines.loading import resolve_model
from genius_bench.engines.ray_cluster import SURROUNDINGS, cluster, cluster_is_elsewhere, shape
from genius_bench.errors import EngineLostError, GeniusBenchError, InputError, WorkerKilledError
from genius_bench.evaluation.asking import LazyEngine
from genius_bench.evaluation.stage import evaluate
from genius_bench.judging.comparison import compare
from genius_bench.judging.judge import open_judge
from genius_bench.method import Collected, Method
from genius_bench.recipe import EngineSection, EvaluationSection, JudgeSection, Section
from genius_bench.rows import Demonstration, Message, Query
from genius_bench.sampling.collecting import collect, training_set
from genius_bench.sampling.policy import Policy
from tests.engines.unruly import DEADLY, LOST, REFUSED, install
from tests.judging.cases import questions, silent

pytestmark = pytest.mark.ray

COMMAND = [sys.executable, "-c", "from genius_bench.cli import main; main()"]
LONGEST_WAIT = 240.0
LAB = resolve_model("lab")


@pytest.fixture(scope="module")
def unruly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The search path of the engines that misbehave, for this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        path = install(tmp_path_factory.mktemp("unruly"))
        patch.setenv("PYTHONPATH", path)
        patch.syspath_prepend(path.partition(os.pathsep)[0])
        registry._group.cache_clear()
        yield path
    registry._group.cache_clear()


@pytest.fixture(scope="module")
def ray(unruly: str) -> Iterator[Any]:
    """One cluster of our own for the tests in this process: engines use the one that is there."""
    with cluster() as ray:
        yield ray


def ask(engine: Engine, requests: list[Request]) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*map(engine.generate, requests), return_exceptions=True)

    return asyncio.run(all_of_them())


def prompts(*first_tokens: int) -> list[Request]:
    return [
        Request(prompt_ids=(first, number), max_tokens=1, seed=number)
        for number, first in enumerate(first_tokens)
    ]


def test_a_deadly_prompt_is_convicted_and_no_innocent_one(ray: Any, capfd: pytest.CaptureFixture) -> None:
    engine = open_engine(LAB, EngineSection(name="ray:unruly", workers=2))
    try:
        assert engine.context_length == 77
        outcomes = ask(engine, prompts(*[1] * 50, DEADLY, REFUSED, *[1] * 50))
        again = ask(engine, prompts(*[1] * 10))  # another event loop
    finally:
        engine.close()
    convicted, refused = outcomes.pop(50), outcomes.pop(50)
    assert isinstance(convicted, WorkerKilledError)
    assert "(2 tokens, beginning '" in str(convicted)
    assert (type(refused), str(refused)) == (InputError, "this prompt is refused")
    expected = [(number,) for number in range(102) if number not in (50, 51)]
    assert [outcome.token_ids for outcome in outcomes] == expected
    assert [outcome.token_ids for outcome in again] == [(number,) for number in range(10)]
    captured = capfd.readouterr()
    assert captured.err.count("died: its process was killed or crashed") == 3
    assert captured.out == ""


def test_a_worker_whose_engine_is_gone_is_replaced(ray: Any, capfd: pytest.CaptureFixture) -> None:
    """As when vLLM's own process dies: the worker lives on and would refuse everything."""
    engine = open_engine(LAB, EngineSection(name="ray:unruly", workers=2))
    try:
        *innocent, lost = ask(engine, prompts(*[1] * 30, LOST))
    finally:
        engine.close()
    assert [outcome.token_ids for outcome in innocent] == [(number,) for number in range(30)]
    assert isinstance(lost, WorkerKilledError)
    assert capfd.readouterr().err.count("died: the engine has gone") == 3


def test_what_keeps_workers_from_getting_ready_is_told_in_one_line(
    ray: Any, capfd: pytest.CaptureFixture
) -> None:
    with pytest.raises(InputError, match=r"^there is no weight in this model$"):
        open_engine(LAB, EngineSection(name="ray:unloadable", workers=2))
    with pytest.raises(GeniusBenchError, match=r"^3 Ray workers died one after the other while loading"):
        open_engine(LAB, EngineSection(name="ray:crashing", workers=1))
    for server in (EngineSection(name="ray:openai"), EngineSection(name="ray:hf")):
        with pytest.raises(InputError, match="use --engine openai"):
            open_engine(Endpoint("a model", "http://127.0.0.1:9/v1"), server)
    assert "Traceback" not in capfd.readouterr().err


def test_more_workers_than_room(ray: Any, capfd: pytest.CaptureFixture) -> None:
    workers = len(os.sched_getaffinity(0)) + 1
    engine = open_engine(LAB, EngineSection(name="ray:unruly", workers=workers))
    try:
        outcomes = ask(engine, prompts(*[1] * 10))
        assert all(isinstance(outcome, Completion) for outcome in outcomes)
        nice = {psutil.Process(int(outcome.text)).nice() for outcome in outcomes}
        assert nice == {psutil.Process().nice()}, "they compute with the priority of who started them"
    finally:
        engine.close()
    assert f"there is room for {workers - 1} of them, the others join" in capfd.readouterr().err


def test_nobody_is_left_waiting_when_no_worker_can_be_had(ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that can load the model only once: when it has died, no other can take its place."""
    monkeypatch.setattr("genius_bench.engines.workforce.BARREN_LIVES", 1)
    engine = open_engine(LAB, EngineSection(name="ray:unruly", workers=1))
    try:
        outcomes = ask(engine, prompts(DEADLY, 1, 1))
        assert {type(outcome) for outcome in outcomes} == {EngineLostError}
        assert "what is finished is kept" in str(outcomes[0])
        assert {type(outcome) for outcome in ask(engine, prompts(1))} == {EngineLostError}
    finally:
        engine.close()


class Asking(Method):
    """Asks one thing for every query; the seventh is deadly."""

    name = title = source = "asking"

    async def collect(self, query: Query, policy: Policy) -> Collected:
        number = int(query.id)
        completion = await policy.sample(
            (DEADLY if number == 7 else 1, number), draw=(query.id,), max_tokens=1, temperature=1.0
        )
        row = Demonstration(
            id=query.id, query_id=query.id, prompt_ids=(1,), response_ids=completion.token_ids
        )
        return Collected(rows=[row])


def test_a_deadly_query_is_a_dead_letter_and_the_run_ends(ray: Any, tmp_path: Path) -> None:
    messages = (Message(role="user", content="?"),)
    collection = collect(
        Store(tmp_path),
        Asking(Section()),
        corpus=Corpus(name="test", queries=[Query(id=f"{n:02}", messages=messages) for n in range(40)]),
        policy_fingerprint="p",
        open_engine=lambda: open_engine(LAB, EngineSection(name="ray:unruly", workers=2)),
        seed=0,
    )
    rows = list(training_set(Store(tmp_path), collection).rows())
    assert [(row["id"], row["response_ids"]) for row in rows] == [
        (f"{n:02}", [n]) for n in range(40) if n != 7
    ]
    [letter] = json.loads((collection.path / "dead_letters.json").read_text())
    assert letter["id"] == "07"
    assert "3 times, the last time alone" in letter["reason"]


def test_evaluation_and_a_local_judge_give_the_same_answers(ray: Any, tmp_path: Path) -> None:
    answers, judgements = [], []
    for engine in (EngineSection(), EngineSection(name="ray:hf", workers=2)):
        store = Store(tmp_path / engine.name)
        with closing(LazyEngine(lambda engine=engine: open_engine(LAB, engine))) as opened:  # type: ignore[misc]
            evaluate(
                store,
                model=LAB,
                engine=opened,
                checkpoint_fingerprint="lab",
                tasks=["lab_words"],
                settings=EvaluationSection(limit=12, samples=2),
                engine_settings=engine,
            )
        rows = [row for artifact in store.all("generations") for row in artifact.rows()]
        answers.append({row["id"]: row for row in rows})
        judge = open_judge(JudgeSection(model="lab", max_tokens=16), store.home, engine)
        judgements.append([one.raw for one in compare(judge, questions(4), silent)])
        judge.close()
    assert judgements[0] == judgements[1]
    assert_alike(list(answers[0].values()), [answers[1][name] for name in answers[0]])


def assert_alike(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Equal, numbers up to what a batch of another size changes in floating point."""
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if isinstance(value, float):
                assert math.isclose(value, other[name], abs_tol=1e-5), name
            else:
                assert value == other[name], name


def test_a_cluster_is_divided_among_its_workers() -> None:
    def divided(machines: list[dict[str, float]], **settings: Any) -> tuple[int, int, int, int]:
        found = shape(EngineSection(**settings), machines)
        return found.workers, found.gpus, found.cpus, found.room

    gpus: list[dict[str, float]] = [{"CPU": 32, "GPU": 8}, {"CPU": 32, "GPU": 6}, {"CPU": 8}]
    assert divided(gpus, name="ray:hf") == (14, 1, 1, 14)
    assert divided(gpus, name="ray:vllm", tensor_parallel=4) == (3, 4, 1, 3)
    assert divided(gpus, name="ray:vllm", tensor_parallel=2, data_parallel=2, workers=5) == (5, 4, 1, 3)
    assert divided(gpus, name="ray:vllm", device="cpu") == (3, 0, 16, 4)
    assert divided([{"CPU": 16}, {"CPU": 6}], name="ray:hf", workers=4) == (4, 0, 5, 4)
    assert divided([{"CPU": 2}], name="ray:hf") == (1, 0, 2, 1)
    assert divided([{"CPU": 2}], name="ray:hf", workers=2) == (2, 0, 1, 2)
    assert divided([{"CPU": 2}], name="ray:hf", workers=3) == (3, 0, 1, 2)
    assert divided([], name="ray:hf") == (1, 0, 1, 0)


def test_the_doctor_tries_the_cluster_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert doctor._ray().ok == "yes"
    monkeypatch.setenv("RAY_ADDRESS", "")
    assert doctor._ray().ok == "yes"
    assert not cluster_is_elsewhere()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        assert doctor._ray().ok == "yes"
    found = doctor._ray()
    assert found.ok == "no"
    assert "refused" in found.detail
    monkeypatch.setenv("RAY_ADDRESS", "somewhere")
    assert doctor._ray().ok == "no"


def start(home: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "train", "--method", "genius", "--no-eval", "--home", str(home), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=(home.with_suffix(".err")).open("w"),
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def said(home: Path) -> str:
    return home.with_suffix(".err").read_text()


def wait_for(moment: Callable[[], Any], process: "subprocess.Popen[str] | None" = None) -> Any:
    """What `moment` returns as soon as that is something."""
    end = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < end:
        if found := moment():
            return found
        assert process is None or process.poll() is None, "it ended before its time"
        time.sleep(0.05)
    raise AssertionError("waited too long")


def descendants(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    found = []
    for process in processes:
        try:
            if name in (process.name(), *process.cmdline()[:1]):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def end(process: "subprocess.Popen[str]", *others: psutil.Process) -> None:
    for one in [*descendants(process), *others]:
        if one.is_running():
            one.kill()
    process.kill()
    process.wait()


SMALL = ["--queries", "24", "--set", "sampling.steps=2", "--set", "engine.max_batch=8"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_worker_killed_in_mid_run_changes_nothing(tmp_path: Path) -> None:
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    process = start(alone, *SMALL)
    process.wait()
    assert process.returncode == 0, said(alone)
    process = start(spread, *SMALL, "--engine", "ray:hf", "--workers", "2")
    try:
        wait_for(lambda: list(spread.glob("artifacts/collection/*.partial/rows/*.parquet")), process)
        workers = named(descendants(process), "ray::Worker")
        assert len(workers) == 2
        workers[0].kill()
        process.wait()
    finally:
        end(process)
    assert process.returncode == 0, said(spread)
    assert re.search(r"died: .*; requests that it had, and that are tried again: [1-9]", said(spread))
    [ours], [theirs] = (Store(home).all("training-set") for home in (spread, alone))
    assert ours.key == theirs.key
    assert_alike(list(ours.rows()), list(theirs.rows()))
    [collected] = Store(spread).all("collection")
    assert sorted(row["id"] for row in collected.rows()) == sorted(
        row["id"] for row in Store(alone).all("collection")[0].rows()
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("signalled", ["group by SIGINT", "command by SIGTERM", "stage by SIGKILL"])
def test_nothing_is_left_and_nothing_listens_elsewhere(signalled: str, unruly: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = start(
        home, "--engine", "ray:sleepy", "--workers", "2", "--queries", "8", HOME=str(tmp_path), TMPDIR="/tmp"
    )
    everybody: list[psutil.Process] = []
    try:
        wait_for(lambda: len(named(descendants(process), "sleep")) == 2, process)
        everybody = descendants(process)
        addresses = {
            connection.laddr.ip.removeprefix("::ffff:")
            for one in everybody
            for connection in one.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        assert addresses == {"127.0.0.1"}
        if signalled.startswith("group"):
            os.killpg(process.pid, signal.SIGINT)
        elif signalled.startswith("command"):
            process.terminate()
        else:
            [raylet] = named(everybody, "raylet")
            stage = raylet.parent()
            assert stage is not None
            assert stage.pid != process.pid
            stage.kill()
        process.wait()
        expected = {"g": 130, "c": -signal.SIGTERM, "s": 1}[signalled[0]]
        assert process.returncode == expected, said(home)
        wait_for(lambda: not any(one.is_running() for one in everybody))
    finally:
        end(process, *everybody)
    assert "Traceback" not in said(home)
    assert {path.name for path in tmp_path.iterdir()} == {"home", "home.err"}, "nothing in the user's folder"


DRIVER = """
import asyncio, sys
from genius_bench.corpora import Corpus
from genius_bench.engines import open_engine
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import resolve_model
from genius_bench.recipe import EngineSection

async def ask():
    requests = [Request(prompt_ids=(1, number), max_tokens=1, seed=number) for number in range(1024)]
    return {completion.text for completion in await asyncio.gather(*map(engine.generate, requests))}

engine = open_engine(resolve_model("lab"), EngineSection(name="ray:unruly", workers=2, max_batch=8))
for _ in sys.stdin:
    print(*sorted(asyncio.run(ask())), flush=True)
engine.close()
"""
"""Asks whenever it is told to, and tells which processes answered."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cluster_that_is_there_is_used_and_left_running(unruly: str) -> None:
    """A worker without room joins when a machine does; workers end with who started them, killed or not."""
    with someone_elses_cluster() as theirs:
        with driver_on(theirs) as killed:
            first = ask_again(killed)
            assert len(first) == 1
            theirs.add_node(num_cpus=1)
            both = wait_for(lambda: found if len(found := ask_again(killed)) > 1 else None)
            assert len(both) == 2
            assert first < both
            killed.kill()
            assert "there is room for 1 of them" in killed.communicate()[1]
            wait_for(lambda: not any(psutil.pid_exists(int(worker)) for worker in both))
        with driver_on(theirs) as polite:
            workers = wait_for(lambda: found if len(found := ask_again(polite)) > 1 else None)
            complaints = polite.communicate()[1]
            assert polite.returncode == 0, complaints
            assert "there is room" not in complaints
            wait_for(lambda: not any(psutil.pid_exists(int(worker)) for worker in workers))
        assert [node.dead_processes() for node in theirs.list_all_nodes()] == [[], []]


def ask_again(driver: "subprocess.Popen[str]") -> set[str]:
    assert driver.stdin is not None
    assert driver.stdout is not None
    driver.stdin.write("\n")
    driver.stdin.flush()
    return set(driver.stdout.readline().split())


@contextmanager
def driver_on(theirs: Any) -> Iterator["subprocess.Popen[str]"]:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RAY_ADDRESS": theirs.address},
    )
    try:
        yield driver
    finally:
        end(driver)


@contextmanager
def someone_elses_cluster() -> Iterator[Any]:
    """On loopback, with one core."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        for name, value in {**SURROUNDINGS, "RAY_TMPDIR": folder}.items():
            patch.setenv(name, value)
        from ray import cluster_utils

        head = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
        theirs = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        try:
            yield theirs
        finally:
            theirs.shutdown()
