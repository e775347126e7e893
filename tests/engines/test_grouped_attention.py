"""Attention without copies is the attention of transformers."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from genius_bench.engines import grouped_attention
from genius_bench.engines.grouped_attention import NAME, grouped, sharing_heads
from tests.engines.conftest import build


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("heads", "shared", "queries"), [(9, 3, 1), (4, 2, 1), (4, 4, 1), (4, 2, 5)])
def test_it_gives_what_repeated_keys_give(heads: int, shared: int, queries: int, masked: bool) -> None:
    torch.manual_seed(0)
    module: Any = nn.Module()
    module.num_key_value_groups, module.is_causal = heads // shared, True
    query = torch.randn(3, queries, heads, 8).transpose(1, 2)
    # As a cache has them: a part of a wider buffer.
    key, value = (torch.randn(3, shared, 20, 8)[:, :, 4:15] for _ in range(2))
    mask = torch.ones(3, 1, queries, 11, dtype=torch.bool)
    mask[1, ..., :4] = mask[2, ..., :9] = False
    arguments = (module, query, key, value, mask if masked else None)
    wanted, _ = sdpa_attention_forward(*arguments, scaling=0.3)
    found, _ = grouped(*arguments, scaling=0.3)
    assert found.shape == wanted.shape == (3, queries, heads, 8)
    torch.testing.assert_close(found, wanted)


def test_models_whose_heads_share_keys_decode_with_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    from genius_bench.engines.loading import load_model

    llama = load_model(build("llama", tmp_path_factory.mktemp("llama")), device="cpu")
    with sharing_heads(llama):
        assert llama.config._attn_implementation == NAME
    assert llama.config._attn_implementation == "sdpa"  # as a training goes on with it
    untouched: Any = SimpleNamespace(modules=lambda: [nn.Linear(1, 1)])
    with sharing_heads(untouched):  # does not even look at its configuration
        pass


def test_nothing_is_repeated_for_a_single_query(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("transformers' function copies keys and values")

    monkeypatch.setattr(grouped_attention, "sdpa_attention_forward", refuse)
    key, value = torch.randn(2, 2, 2, 7, 4)
    grouped(nn.Module(), torch.randn(2, 6, 1, 4), key, value, None)
