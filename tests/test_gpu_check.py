"""The check of a GPU, on a processor: its parts run, and one that cannot leaves the others alone."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import gpu_check
from benchmarks.gpu_check import Outcome, check, run_part, table
from benchmarks.gpu_parts import PARTS, Figures, Setting
from genius_bench.lab import MODEL_PATH


def figures(part: str, folder: Path) -> Figures:
    return PARTS[part](Setting(MODEL_PATH, folder, tiny=True))


def test_every_part_has_its_share_of_the_time() -> None:
    assert list(gpu_check.SHARES) == list(PARTS)
    assert sum(gpu_check.SHARES.values()) == pytest.approx(1)


def test_nothing_decodes_faster_than_its_matrix_products(tmp_path: Path) -> None:
    found = figures("hf", tmp_path)
    assert 0 < found["hf, of products"] < 1
    assert found["hf, of generate"] == pytest.approx(found["hf, tokens/s"] / found["generate, tokens/s"])


def test_the_trainer_agrees_with_the_sampler_where_both_compute_in_float32(tmp_path: Path) -> None:
    assert 0 <= figures("mismatch", tmp_path)["nats a token, largest"] < 1e-4


def test_both_schedules_give_the_same_scores(tmp_path: Path) -> None:
    assert figures("foresight", tmp_path)["queries with equal scores, share"] == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_parts_that_start_processes_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="needs TRL")
    found = figures("optimise", tmp_path)
    assert found["loss, largest difference"] < 1e-4
    assert found["ours, pairs/s"] > 0
    assert figures("genius", tmp_path)["seconds"] > 0


@pytest.mark.timeout(900)
def test_the_command_prints_a_table_and_writes_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_check, "SHARES", {"vllm": 0, "mismatch": 1})
    monkeypatch.setitem(gpu_check.NEEDS, "vllm", ("no-such-package",))
    output = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["gpu_check", "--tiny", "--minutes", "14", "--output", str(output)])
    with pytest.raises(SystemExit) as ended:
        gpu_check.main()
    printed = capsys.readouterr().out
    assert ended.value.code == 0, printed
    report = json.loads(output.read_text())
    vllm, mismatch = report["parts"]
    assert report["machine"]["model"] == "lab"
    assert vllm["said"] == "not here: no-such-package is not installed"
    assert mismatch["figures"]["nats a token, mean"] >= 0
    assert "nats a token, mean" in printed


def test_a_part_that_fails_or_takes_too_long_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_part("mismatch", Path("/nowhere"), 0.01, tiny=False).said.startswith("out of time: 0 s")

    def fake(part: str, model: Path, seconds: float, *, tiny: bool) -> Outcome:
        return (
            Outcome(part, 1, said="failed: KeyError") if part == "hf" else Outcome(part, seconds, {"x": 2.5})
        )

    monkeypatch.setattr(gpu_check, "run_part", fake)
    found = check(MODEL_PATH, 1, tiny=True)
    assert [one.part for one in found] == list(PARTS)
    assert found[-1].seconds == pytest.approx(60, abs=5), "what others left is there for the last"
    lines = table(found).splitlines()
    assert lines[1].split() == ["hf", "failed:", "KeyError"]
    assert lines[2].split() == ["vllm", "x", "2.5"]
