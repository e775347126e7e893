"""One training of the optimise benchmark, in a process of its own: ours, or TRL's DPOTrainer. Called by it alone.

    python -m benchmarks.optimise_sides SIDE FOLDER CHANGES

FOLDER holds what both sides train (`workload.json`, `rows.json`); the result is printed as one line of JSON.
Time runs from the call of Trainer's `train` to the end of the last optimiser step, and counts what a side computes of
the reference. Memory is the most that was held up to then. Loading the policy, reading rows and saving are in neither.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from transformers import Trainer, TrainerCallback

import genius_bench.training.policy as policies
from genius_bench.artifacts import Artifact, Build, Identity, Store
from genius_bench.objectives.dpo import DPO
from genius_bench.recipe import LoraSection, TrainingSection
from genius_bench.training.arguments import batch_plan, training_arguments
from genius_bench.training.stage import optimise

BETA = 0.1
SEED = 0


class Meter(TrainerCallback):
    """Time and memory of a training, from the policy being loaded to the end of the last step."""

    def __init__(self) -> None:
        self.before: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self.loss: list[float] = []
        self.started = self.ended = self.cpu_started = self.cpu_ended = 0.0
        self.earlier = self.cpu_earlier = 0.0
        """Of the reference, before `train` was called."""

    def policy_loaded(self) -> None:
        gc.collect()
        self.before = held()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew

    def start(self) -> None:
        self.started, self.cpu_started = time.perf_counter(), time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ended, self.cpu_ended = time.perf_counter(), time.process_time()
        self.peak = held(peak=True)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" in logs:
            self.loss.append(logs["loss"])

    def result(self) -> dict[str, Any]:
        seconds = self.ended - self.started
        return {
            "seconds": seconds + self.earlier,
            "train_seconds": seconds,
            "cpu_seconds": self.cpu_ended - self.cpu_started + self.cpu_earlier,
            "loss": self.loss,
            **{f"{kind}_peak": peak for kind, peak in self.peak.items()},
            **{f"{kind}_beyond": peak - self.before[kind] for kind, peak in self.peak.items()},
        }


def held(peak: bool = False) -> dict[str, int]:
    """Bytes in memory now, or at most since the policy was loaded: resident, and on the accelerator."""
    field = "VmHWM" if peak else "VmRSS"
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    found = {"resident": int(line.split()[1]) * 1024}
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()
    return found


def settings(workload: dict[str, Any], **changes: Any) -> TrainingSection:
    shared = {
        name: workload[name] for name in ("learning_rate", "batch_size", "micro_batch_size", "precision")
    }
    return TrainingSection(**shared | {"report_to": "none", "max_length": 2**20} | changes)


def ours(meter: Meter, folder: Path, workload: dict[str, Any], **changes: Any) -> None:
    """`genius_bench`'s own optimise stage with its defaults; reference log-probabilities come with the rows."""
    rows = json.loads((folder / "rows.json").read_text())
    with tempfile.TemporaryDirectory(dir=folder) as home:
        store = Store(Path(home))
        training_set = stored(store, rows)
        optimise(
            store,
            policy_path=Path(workload["policy"]),
            policy_fingerprint="benchmark",
            training_set=training_set,
            objective=DPO(beta=BETA),
            training=settings(workload, **changes),
            seed=SEED,
        )


def stored(store: Store, rows: list[dict[str, Any]]) -> Artifact:
    def produce(build: Build) -> None:
        build.write_shard(rows)

    return store.make(Identity(kind="training-set", version=1, parameters={}), produce)


def trl(meter: Meter, folder: Path, workload: dict[str, Any], **changes: Any) -> None:
    """TRL on the same token ids in the same order; its own step of tokenising is left out."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    class OnTokens(DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, *arguments: Any) -> Any:
            start, cpu_start = time.perf_counter(), time.process_time()
            found = super()._precompute_ref_logps(*arguments)
            meter.earlier, meter.cpu_earlier = time.perf_counter() - start, time.process_time() - cpu_start
            return found

    micro = changes.pop("micro_batch_size", workload["micro_batch_size"])
    training = settings(workload, micro_batch_size=micro)
    rows = sorted(json.loads((folder / "rows.json").read_text()), key=lambda row: row["id"])
    plan = batch_plan(len(rows), training, processes=1, seed=SEED)
    order = [number for step in range(plan.steps_per_epoch) for number in plan.rows_of(step)]
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    columns = {name: [rows[number][name] for number in order] for name in names}
    with tempfile.TemporaryDirectory(dir=folder) as output:
        same = training_arguments(
            training,
            states=Path(output),
            rows=len(rows),
            precision=workload["precision"],
            seed=SEED,
            run_name="",
        )
        shared = (
            "learning_rate lr_scheduler_type warmup_steps num_train_epochs weight_decay max_grad_norm "
            "per_device_train_batch_size gradient_accumulation_steps bf16 use_cpu disable_tqdm"
        )
        arguments = {name: getattr(same, name) for name in shared.split()}
        trainer = OnTokens(
            model=policies.load_policy(Path(workload["policy"]), LoraSection(), workload["precision"]),
            args=DPOConfig(
                output_dir=output,
                beta=BETA,
                max_length=None,
                logging_steps=1,
                train_sampling_strategy="sequential",
                save_strategy="no",
                report_to=[],
                **arguments | changes,
            ),
            train_dataset=Dataset.from_dict(columns),
            processing_class=AutoTokenizer.from_pretrained(workload["policy"]),
        )
        trainer.train()


SIDES: dict[str, Callable[..., None]] = {"ours": ours, "trl": trl}


def main() -> None:
    side, folder, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    workload = json.loads((folder / "workload.json").read_text())
    torch.set_num_threads(workload["threads"])
    meter = Meter()
    load, train = policies.load_policy, Trainer.train

    def load_and_note(*arguments: Any) -> Any:
        model = load(*arguments)
        if not meter.before:
            meter.policy_loaded()
        return model

    def train_and_note(self: Any, *arguments: Any, **options: Any) -> Any:
        self.add_callback(meter)
        meter.start()
        return train(self, *arguments, **options)

    with patch.object(policies, "load_policy", load_and_note), patch.object(Trainer, "train", train_and_note):
        SIDES[side](meter, folder, workload, **changes)
    print(json.dumps(meter.result()))


if __name__ == "__main__":
    main()
