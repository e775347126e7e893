"""The parts of `gpu_check`, each in a process of its own. Called by it alone.

    python -m benchmarks.gpu_parts PART MODEL FOLDER [--tiny]

A part prints its figures as one line of JSON: what was measured → how much. FOLDER is empty, and the part's own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks import decoding_speed, optimise_speed, sampling_speed
from benchmarks.optimise_workload import random_pairs, write_policy, write_workload
from genius_bench.corpora import load_corpus
from genius_bench.engines.hf import HFEngine
from genius_bench.engines.interface import Completion
from genius_bench.lab import MODEL_PATH
from genius_bench.plain.items import evaluation_items
from genius_bench.recipe import CorpusSection, EngineSection, LoraSection
from genius_bench.rows import Query
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.training.policy import load_policy
from trainers.genius import Genius

Figures = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """What is measured, and how much of it: `tiny` is for seeing on a processor that all of it runs."""

    model: Path
    folder: Path
    tiny: bool

    @property
    def engine(self) -> EngineSection:
        from transformers import AutoTokenizer

        template = AutoTokenizer.from_pretrained(self.model).chat_template
        return EngineSection(chat_template=None if template else "plain")

    def of(self, tiny: int, full: int) -> int:
        return tiny if self.tiny else full

    def queries(self, count: int) -> list[Query]:
        if self.tiny:
            return list(load_corpus(CorpusSection(queries=count)).queries)
        return list(load_corpus(CorpusSection(name=str(self.questions(count)), queries=count)).queries)

    def questions(self, count: int) -> Path:
        path = self.folder / "queries.jsonl"
        items = evaluation_items("plain_sums", "tuning", count)
        path.write_text("\n".join(json.dumps({"query": item["question"]}) for item in items))
        return path


def hf(setting: Setting) -> Figures:
    return _decoding(setting, ["hf", "generate", "products"])


def vllm(setting: Setting) -> Figures:
    return _decoding(setting, ["vllm"])


def _decoding(setting: Setting, ways: list[str]) -> Figures:
    count, longest = setting.of(4, 256), setting.of(8, 256)
    found = decoding_speed.measure(setting.model, setting.engine, ways, count, longest, runs=1)
    return decoding_speed.rates(found)


def foresight(setting: Setting) -> Figures:
    """Genius' schedule against the published one, as `sampling_speed` compares them."""
    queries = setting.queries(setting.of(1, 8))
    method = Genius(ForesightOptions(steps=setting.of(1, 2), step_max_tokens=64, foresight_max_tokens=64))
    sides = sampling_speed.run_all(setting.model, setting.engine, queries, 1, method)
    found = sampling_speed.report(sides, len(queries))
    return {
        "ours, tokens/s": found["ours"]["tokens_per_second"],
        "times the published schedule": found["times_the_published_schedule"]["median"],
        "share of the ceiling": found["share_of_the_ceiling"]["median"],
        "queries with equal scores, share": found["scores"]["queries_with_equal_scores"] / len(queries),
    }


def optimise(setting: Setting) -> Figures:
    """The optimise stage with its defaults against TRL with its own."""
    policy = setting.model
    if setting.tiny:
        policy = write_policy(setting.folder / "policy", hidden_size=128, num_hidden_layers=1)
    rows = random_pairs(setting.of(8, 32), *(10, 10) if setting.tiny else (150, 200))
    write_workload(setting.folder, policy, rows, torch.get_num_threads(), learning_rate=5e-6)
    ours, trl = (optimise_speed.run(side, setting.folder, {}) for side in ("ours", "trl"))
    kind = "accelerator" if "accelerator_peak" in ours else "resident"
    return {
        "ours, pairs/s": len(rows) / ours["seconds"],
        "pairs/s, of TRL": trl["seconds"] / ours["seconds"],
        "ours, peak MiB beyond the policy": ours[f"{kind}_beyond"] / 2**20,
        "peak memory, of TRL": ours[f"{kind}_beyond"] / trl[f"{kind}_beyond"],
        "loss, largest difference": max(abs(a - b) for a, b in zip(ours["loss"], trl["loss"], strict=True)),
    }


def mismatch(setting: Setting) -> Figures:
    """What the trainer makes of the tokens that the sampler drew: log-probabilities in the precision of each."""
    engine = HFEngine(setting.model, setting.engine)
    requests = decoding_speed.mixed_requests(engine.tokenizer, setting.of(2, 32), setting.of(8, 128))

    async def answer() -> list[Completion]:
        return await asyncio.gather(*map(engine.generate, requests))

    completions = asyncio.run(answer())
    engine.close()
    on_gpu = torch.cuda.is_available()
    model = load_policy(setting.model, LoraSection(), "bfloat16" if on_gpu else "float32")
    model = model.to("cuda" if on_gpu else "cpu").eval()
    differences = []
    for request, completion in zip(requests, completions, strict=True):
        ids = torch.tensor([[*request.prompt_ids, *completion.token_ids]], device=model.device)
        with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=on_gpu):
            logits = model(ids).logits[0, len(request.prompt_ids) - 1 : -1]
        told = logits.float().log_softmax(-1)[range(len(completion.token_ids)), list(completion.token_ids)]
        differences.append((told.cpu() - torch.tensor(completion.logprobs)).abs())
    return {
        "nats a token, mean": float(torch.cat(differences).mean()),
        "nats a token, largest": float(torch.cat(differences).max()),
    }


def genius(setting: Setting) -> Figures:
    """One short run by the command line, from queries to a checkpoint, in a home of its own."""
    count = setting.of(2, 16)
    command = [sys.executable, "-m", "genius_bench", "train", "--method", "genius", "--no-eval"]
    command += [
        "--model",
        str(setting.model),
        "--queries",
        str(count),
        "--home",
        str(setting.folder / "home"),
    ]
    if not setting.tiny:
        command += ["--corpus", str(setting.questions(count))]
    if setting.engine.chat_template:
        command += ["--set", f"engine.chat_template={setting.engine.chat_template}"]
    limits = {"sampling.step_max_tokens": 128, "sampling.foresight_max_tokens": 256}
    for name, value in (limits | {"sampling.steps": setting.of(1, 4)}).items():
        command += ["--set", f"{name}={value}"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "seconds a query": seconds / count}


PARTS: dict[str, Callable[[Setting], Figures]] = {
    "hf": hf,
    "vllm": vllm,
    "foresight": foresight,
    "optimise": optimise,
    "mismatch": mismatch,
    "genius": genius,
}


def random_model(folder: Path) -> Path:
    """Half a billion random weights, for where no real model is at hand."""
    return write_policy(folder, hidden_size=1280, num_hidden_layers=24)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    setting = Setting(MODEL_PATH if options.tiny else options.model, options.folder, options.tiny)
    print(json.dumps(PARTS[options.part](setting)))


if __name__ == "__main__":
    main()
