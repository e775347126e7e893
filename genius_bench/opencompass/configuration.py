"""The configuration file that OpenCompass reads: a Python module, written anew for each task.

The model class is always `OpenAISDK`: the class `OpenAI` asks for ever when a server answers with an error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from genius_bench.opencompass.benchmarks import Benchmark

JUDGE = "judge"
QUERIES_PER_SECOND = 200
"""OpenCompass' default is one."""
BATCH = 100_000
"""Prompts handed to the threads at once: OpenCompass waits for a whole batch before it starts the next."""
ENOUGH_CONTEXT = 10**9
"""The relay holds answers within the model's context; OpenCompass would fail the whole data set instead."""
CAREFUL_MBPP = [
    "from careful_mbpp import CarefulMBPPEvaluator",
    "datasets[0]['eval_cfg']['evaluator']['type'] = CarefulMBPPEvaluator",
]
"""In the folder `shim`."""
PATIENCE_SECONDS = 10**6
"""The relay has time-outs of its own, and a request may wait its turn there."""


@dataclass(frozen=True)
class Asked:
    """One way in which all items are asked: the name also tells the relay which."""

    name: str
    temperature: float
    max_tokens: int


def write_configuration(
    path: Path,
    benchmark: Benchmark,
    datasets: Iterable[str],
    answers: Sequence[Asked],
    *,
    relay_url: str,
    tokenizer: Path,
    threads: int,
    judge: Asked | None = None,
) -> None:
    """Writes the module.

    `tokenizer` is a local folder whose code OpenCompass would run; without one it downloads GPT-4's. Tokens are only
    counted with it, against `ENOUGH_CONTEXT`, so any will do.
    """
    models = [_model(asked, relay_url, tokenizer, threads) for asked in answers]
    judges = [_model(judge, relay_url, tokenizer, threads)] if judge else []
    lines = [
        "from mmengine.config import read_base",
        "from opencompass.models import OpenAISDK",
        "from opencompass.partitioners import NaivePartitioner",
        "from opencompass.partitioners.sub_naive import SubjectiveNaivePartitioner",
        "from opencompass.runners import LocalRunner",
        "from opencompass.summarizers import DefaultSubjectiveSummarizer",
        "from opencompass.tasks import OpenICLEvalTask, OpenICLInferTask",
        "from opencompass.tasks.subjective_eval import SubjectiveEvalTask",
        "",
        "with read_base():",
        f"    from opencompass.configs.datasets.{benchmark.module} import {benchmark.variable}",
        "",
        f"wanted = {sorted(datasets)!r}",
        f"datasets = [one for one in {benchmark.variable} if one['abbr'] in wanted]",
        *(CAREFUL_MBPP if benchmark.kind == "mbpp" else []),
        "template = dict(",
        "    round=[dict(role='HUMAN', api_role='HUMAN'), dict(role='BOT', api_role='BOT', generate=True)],",
        "    reserved_roles=[dict(role='SYSTEM', api_role='SYSTEM')],",
        ")",
        f"models = [{', '.join(models)}]",
        f"judge_models = [{', '.join(judges)}]",
        "infer = dict(",
        f"    partitioner=dict(type=NaivePartitioner, n={BATCH}),",
        "    runner=dict(type=LocalRunner, max_num_workers=2, task=dict(type=OpenICLInferTask)),",
        ")",
        "eval = dict(",
        f"    partitioner={_evaluation_partitioner(benchmark)},",
        "    runner=dict(type=LocalRunner, max_num_workers=2, task=dict(type="
        f"{'SubjectiveEvalTask' if benchmark.is_judged else 'OpenICLEvalTask'})),",
        ")",
        *(["summarizer = dict(type=DefaultSubjectiveSummarizer)"] if benchmark.is_judged else []),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _evaluation_partitioner(benchmark: Benchmark) -> str:
    if benchmark.is_judged:
        return "dict(type=SubjectiveNaivePartitioner, models=models, judge_models=judge_models)"
    return f"dict(type=NaivePartitioner, n={BATCH})"


def _model(asked: Asked, url: str, tokenizer: Path, threads: int) -> str:
    """`key='ENV'`: OpenCompass copies this file into its output, a literal key included."""
    return (
        f"dict(type=OpenAISDK, abbr={asked.name!r}, path={asked.name!r}, key='ENV', openai_api_base={url!r}, "
        f"tokenizer_path={str(tokenizer)!r}, meta_template=template, temperature={asked.temperature!r}, "
        f"max_out_len={asked.max_tokens}, max_seq_len={ENOUGH_CONTEXT}, mode='none', batch_size={BATCH}, "
        f"max_workers={threads}, query_per_second={QUERIES_PER_SECOND}, retry=2, timeout={PATIENCE_SECONDS})"
    )
