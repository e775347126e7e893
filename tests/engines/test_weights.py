"""Folders whose files hold other weights than the model is made of, or than the fingerprint hashes."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from genius_bench.engines import open_engine, weights
from genius_bench.engines.interface import Request
from genius_bench.engines.loading import base_of, fingerprint, load_model, load_tokenizer, resolve_model
from genius_bench.engines.ray_worker import Worker
from genius_bench.engines.vllm import VLLMEngine
from genius_bench.engines.weights import check_names
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.recipe import EngineSection, LoraSection
from genius_bench.training.policy import load_policy
from tests.training.models import ARCHITECTURES, tiny_model

NORM = "model.norm.weight"
Weights = dict[str, torch.Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODEL_PATH, tmp_path / "model"))


def rewrite(file: Path, change: Callable[[Weights], Any]) -> None:
    weights = load_file(file)
    change(weights)
    save_file(weights, file, metadata={"format": "pt"})


def sharded(folder: Path) -> dict[str, Any]:
    """The model in several files; the index that transformers wrote for them."""
    model = load_model(folder, device="cpu")
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="1MB")
    index: dict[str, Any] = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 2
    return index


def refused(path: Path, said: str) -> None:
    """By every side that reads weights: our engine, the training, and what is checked for engines of others."""
    sides: list[Callable[[], Any]] = [
        lambda: load_model(path, device="cpu"),
        lambda: load_policy(path, LoraSection(), "float32"),
        lambda: check_names(path, base_of(path)),
    ]
    for side in sides:
        with pytest.raises(InputError, match=said) as caught:
            side()
        assert "\n" not in str(caught.value)


CHANGED: dict[str, tuple[Callable[[Weights], Any], str]] = {
    "one weight less": (lambda weights: weights.pop(NORM), rf"1 weights missing \({NORM}\)"),
    "no weight at all": (lambda weights: weights.clear(), "weights missing"),
    "the output head of a tied model without its embedding": (
        lambda weights: weights.update({"lm_head.bias": torch.zeros(3), NORM + "s": weights.pop(NORM)}),
        rf"1 weights missing .*2 weights unknown \(lm_head.bias, {NORM}s\)",
    ),
    "one weight more": (lambda weights: weights.update(extra=torch.zeros(3)), r"1 weights unknown \(extra\)"),
    "another shape": (
        lambda weights: weights.update({NORM: torch.ones(7)}),
        rf"1 weights of another shape \({NORM}\)",
    ),
    "whole numbers": (
        lambda weights: weights.update({NORM: torch.ones(128, dtype=torch.int8)}),
        rf"tensor '{NORM}' is of type I8, but no quantization_config",
    ),
    "truth values": (
        lambda weights: weights.update({NORM: torch.ones(128, dtype=torch.bool)}),
        rf"tensor '{NORM}' is of type BOOL",
    ),
    "no number": (
        lambda weights: weights[NORM][3:4].fill_(torch.nan),
        rf"tensor '{NORM}' holds numbers that",
    ),
    "beyond all numbers": (
        lambda weights: weights[NORM][5:6].fill_(-torch.inf),
        rf"tensor '{NORM}' holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_files_that_do_not_hold_the_model(change: str, folder: Path) -> None:
    changed, said = CHANGED[change]
    rewrite(folder / "model.safetensors", changed)
    refused(folder, said)
    with pytest.raises(InputError, match=said):
        open_engine(folder, EngineSection(name="vllm"))  # before anything of vLLM's is looked for
    with pytest.raises(InputError, match=said):
        open_engine(folder, EngineSection(name="hf"))


def test_a_worker_of_a_cluster_checks_what_it_is_given(folder: Path) -> None:
    rewrite(folder / "model.safetensors", lambda weights: weights.pop(NORM))
    greeting = Request(prompt_ids=(1,), max_tokens=1, seed=0)
    with pytest.raises(InputError, match="1 weights missing"):
        asyncio.run(Worker(offline=False).open(folder, EngineSection(name="vllm"), greeting))


def test_an_engine_that_checks_while_it_loads_reads_the_weights_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "check_finite_files", pytest.fail)
    open_engine(folder, EngineSection(name="hf")).close()


def test_weights_that_are_exchanged_are_checked_before(folder: Path) -> None:
    rewrite(folder / "model.safetensors", lambda weights: weights.pop(NORM))
    engine = object.__new__(VLLMEngine)  # nothing of it may be needed
    engine._template = None
    with pytest.raises(InputError, match="1 weights missing"):
        asyncio.run(engine.exchange_weights(folder))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_architecture_fits_its_own_files(kind: str, tmp_path: Path) -> None:
    model = tiny_model(kind)
    model.save_pretrained(tmp_path)
    check_names(tmp_path, tmp_path)
    loaded = load_model(tmp_path, device="cpu")
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_tables_of_older_files_are_no_weights(folder: Path) -> None:
    rewrite(
        folder / "model.safetensors",
        lambda weights: weights.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}),
    )
    check_names(folder, folder)
    load_model(folder, device="cpu")


def test_a_fingerprint_of_one_file_or_of_several_is_that_of_earlier_versions(folder: Path) -> None:
    assert fingerprint(MODEL_PATH) == fingerprint(folder)
    assert fingerprint(MODEL_PATH).startswith(LAB_FINGERPRINT)
    sharded(folder)
    before = fingerprint(folder)
    (folder / "model.safetensors.index.json").unlink()
    assert fingerprint(folder) == before


LAB_FINGERPRINT = "e32cec473f22c01a"


def moved(folder: Path, index: dict[str, Any], place: str) -> None:
    """The first file of the index lies elsewhere, and the index says so."""
    name = min(index["weight_map"].values())
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / name).rename(folder / place)
    index["weight_map"] = {key: place if file == name else file for key, file in index["weight_map"].items()}


@pytest.mark.parametrize(
    "place", ["pytorch_model.bin", "sub/w.safetensors", "../outside.safetensors", "./w.safetensors", "w.pt"]
)
def test_an_index_names_only_safetensors_files_beside_it(place: str, folder: Path) -> None:
    index = sharded(folder)
    moved(folder, index, place)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="which is no safetensors file of that folder"):
        resolve_model(str(folder))
    refused(folder, "which is no safetensors file of that folder")


def test_an_index_cannot_choose_among_files(folder: Path) -> None:
    index = sharded(folder)
    first = min(index["weight_map"].values())
    shutil.copy(folder / first, folder / "other.safetensors")
    rewrite(folder / "other.safetensors", lambda weights: [weight.mul_(2) for weight in weights.values()])
    refused(folder, "leave only the files that are to be loaded")
    index["weight_map"] = {
        key: "other.safetensors" if file == first else file for key, file in index["weight_map"].items()
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, "leave only the files that are to be loaded")


def test_a_tensor_that_two_files_hold(folder: Path) -> None:
    index = sharded(folder)
    first, last = min(index["weight_map"].values()), max(index["weight_map"].values())
    name = next(name for name, file in index["weight_map"].items() if file == first)
    rewrite(folder / last, lambda weights: weights.update({name: load_file(folder / first)[name] + 1}))
    refused(folder, f"both hold tensor '{name}'")


@pytest.mark.parametrize("change", ["another file", "left out", "made up"])
def test_an_index_that_says_something_else_than_its_files(change: str, folder: Path) -> None:
    index = sharded(folder)
    names: dict[str, str] = index["weight_map"]
    if change == "another file":
        names[NORM] = next(file for file in names.values() if file != names[NORM])
    elif change == "left out":
        names.pop(NORM)
    else:
        names["extra"] = names[NORM]
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(
        folder, f"tensor '{'extra' if change == 'made up' else NORM}' is in .* by the index and in .* by the"
    )


def test_tables_of_whole_numbers_that_nobody_reads(tmp_path: Path) -> None:
    model = tiny_model("gpt2")
    model.save_pretrained(tmp_path)
    rewrite(
        tmp_path / "model.safetensors",
        lambda weights: weights.update({"transformer.h.0.attn.bias": torch.ones(4, dtype=torch.bool)}),
    )
    check_names(tmp_path, tmp_path)
    load_model(tmp_path, device="cpu")


def test_weights_once_more_in_a_layout_of_others_do_not_disturb(folder: Path) -> None:
    sharded(folder)
    save_file({"tok_embeddings.weight": torch.zeros(2, 2)}, folder / "consolidated.safetensors")
    check_names(folder, folder)
    load_model(folder, device="cpu")


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"weight_map": {"a": 1}}', '{"weight_map": {"a": "b"}}', "[" * 100_000]
)
def test_a_damaged_index(text: str, folder: Path) -> None:
    sharded(folder)
    (folder / "model.safetensors.index.json").write_text(text)
    refused(folder, "index.json is damaged")


@pytest.mark.parametrize("nested", [False, True])
def test_a_configuration_that_names_the_file_of_its_weights(nested: bool, folder: Path) -> None:
    (folder / "sub").mkdir()
    shutil.copy(folder / "model.safetensors", folder / "sub" / "w.safetensors")
    entry = {"transformers_weights": "sub/w.safetensors"}
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | ({"text_config": entry} if nested else entry)))
    refused(folder, "names the file of its weights")


def test_a_chat_template_that_no_fingerprint_hashes(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    shutil.copy(folder / "chat_template.jinja", folder / "additional_chat_templates" / "tools.jinja")
    own = load_tokenizer(MODEL_PATH).apply_chat_template([{"role": "user", "content": "Hi"}])
    assert load_tokenizer(folder).apply_chat_template([{"role": "user", "content": "Hi"}]) == own
    (folder / "additional_chat_templates" / "tools.jinja").rename(
        folder / "additional_chat_templates" / "default.jinja"
    )
    with pytest.raises(InputError, match=r"put it into chat_template\.jinja"):
        load_tokenizer(folder)


def test_files_in_the_hubs_cache_are_links_that_leave_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(tmp_path / "blob")
    (folder / "model.safetensors").symlink_to(tmp_path / "blob")
    assert resolve_model(str(folder)).fingerprint == fingerprint(MODEL_PATH)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    from peft import LoraConfig, get_peft_model

    base = Path(shutil.copytree(MODEL_PATH, tmp_path / "base"))
    config = LoraConfig(
        r=2,
        target_modules=["q_proj"],
        modules_to_save=["lm_head"],
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    model = get_peft_model(load_model(base, device="cpu"), config)
    model.peft_config["default"].base_model_name_or_path = str(base)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def first_like(weights: Weights, part: str) -> str:
    return min(name for name in weights if part in name)


ADAPTERS: dict[str, tuple[Callable[[Weights], Any], str]] = {
    "half a pair less": (
        lambda weights: weights.pop(first_like(weights, "lora_A")),
        r"1 weights missing \(base_model.model.model.layers.0.self_attn.q_proj.lora_A",
    ),
    "nothing": (lambda weights: weights.clear(), r"1 weights missing \(base_model.model.lm_head.weight\)"),
    "all pairs": (
        lambda weights: [weights.pop(name) for name in list(weights) if "lora_" in name],
        "8 weights missing",
    ),
    "a module that is saved whole is not": (
        lambda weights: weights.pop(first_like(weights, "lm_head")),
        r"1 weights missing \(base_model.model.lm_head.weight\)",
    ),
    "one more": (
        lambda weights: weights.update(
            {"base_model.model.model.layers.9.q_proj.lora_A.weight": torch.ones(2)}
        ),
        "1 weights unknown",
    ),
    "another rank": (
        lambda weights: weights.update({first_like(weights, "lora_A"): torch.ones(3, 128)}),
        "size mismatch for base_model.model.model.layers.0.self_attn.q_proj.lora_A",
    ),
}


@pytest.mark.parametrize("change", ADAPTERS)
def test_adapters_that_are_not_whole(change: str, adapter: Path) -> None:
    check_names(adapter, base_of(adapter))
    load_model(adapter, device="cpu")
    changed, said = ADAPTERS[change]
    rewrite(adapter / "adapter_model.safetensors", changed)
    refused(adapter, said)


SETTINGS: dict[str, tuple[str, str]] = {
    **{
        start: (json.dumps({"init_lora_weights": start}), f"init_lora_weights '{start}' changes the base")
        for start in ("pissa", "pissa_niter_4", "olora", "OLORA", "corda", "loftq", "lora_ga", "of tomorrow")
    },
    "none": ('{"init_lora_weights": null}', "init_lora_weights None changes the base"),
    "infinite": ('{"lora_alpha": Infinity}', "Infinity is no finite number"),
    "no number": ('{"lora_alpha": NaN}', "NaN is no finite number"),
    "too long": ('{"lora_alpha": 1e999}', "1e999 is no finite number"),
    "within a pattern": ('{"alpha_pattern": {"q_proj": -Infinity}}', "-Infinity is no finite number"),
    "of another kind": ('{"peft_type": "VERA"}', "only LoRA adapters are read"),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_adapters_that_are_more_than_their_file(setting: str, adapter: Path) -> None:
    """PEFT makes these anew from the base as it loads them, and leaves a changed base behind."""
    changed, said = SETTINGS[setting]
    file = adapter / "adapter_config.json"
    text = file.read_text().rstrip().removesuffix("}")
    file.write_text(f"{text}, {changed.removeprefix('{')}")  # a later key of the same name counts
    with pytest.raises(InputError, match=said):
        resolve_model(str(adapter))
    refused(adapter, said)


@pytest.mark.parametrize("start", [True, "gaussian", "orthogonal", "eva"])
def test_how_an_adapter_began_does_not_matter(start: bool | str, adapter: Path) -> None:
    own = load_model(adapter, device="cpu").state_dict()
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"init_lora_weights": start}))
    again = load_model(adapter, device="cpu").state_dict()
    assert all(torch.equal(own[name], again[name]) for name in own)


def test_an_adapter_that_takes_its_base_out_of_all_numbers(adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 1e300}))
    with pytest.raises(InputError, match="holds numbers that are not finite"):
        load_model(adapter, device="cpu")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_an_adapter_of_no_numbers(value: float, adapter: Path) -> None:
    rewrite(
        adapter / "adapter_model.safetensors",
        lambda weights: weights[first_like(weights, "lora_B")][:1].fill_(value),
    )
    refused(adapter, "tensor .*lora_B.* holds numbers that are not finite")


def test_an_adapter_is_read_from_safetensors_alone(adapter: Path) -> None:
    weights = load_file(adapter / "adapter_model.safetensors")
    torch.save(weights, adapter / "adapter_model.bin")
    (adapter / "adapter_model.safetensors").rename(adapter / "dummy.safetensors")
    with pytest.raises(InputError, match=r"has no adapter_model\.safetensors"):
        resolve_model(str(adapter))
    refused(adapter, "has no adapter_model.safetensors")


def test_a_model_and_an_adapter_in_one_folder(adapter: Path, folder: Path) -> None:
    for file in adapter.iterdir():
        shutil.copy(file, folder / file.name)
    refused(folder, "holds a model .* and an adapter")


def test_an_adapter_on_itself(adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(
        json.dumps(config | {"base_model_name_or_path": str(adapter)})
    )
    with pytest.raises(InputError, match="is no whole model"):
        resolve_model(str(adapter))
