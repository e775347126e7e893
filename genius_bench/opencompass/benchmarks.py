"""The benchmarks that OpenCompass scores for us: which of its configurations, and what kind of results they give.

Of the several configurations that OpenCompass has for each, these are its defaults (`*_gen`, zero-shot where the
benchmark allows it), named by their hash so that a score says which prompt it comes from.
"""

from dataclasses import dataclass
from typing import Literal

from genius_bench.errors import InputError, nearest

Kind = Literal["choice", "circular", "mbpp", "livecodebench", "alpaca_eval", "arena_hard", "wildbench"]
CODE = ("mbpp", "livecodebench")
"""Kinds whose evaluation runs programs that the model wrote."""
JUDGED = ("alpaca_eval", "arena_hard", "wildbench")
"""Kinds whose evaluation asks a judge."""


@dataclass(frozen=True)
class Benchmark:
    """`module` is below `opencompass.configs.datasets`; `variable` is the list of data sets in it."""

    name: str
    kind: Kind
    module: str
    variable: str
    baselines: tuple[str, ...] = ()
    """Names under which the models to compare with appear in the results."""

    @property
    def is_code(self) -> bool:
        return self.kind in CODE

    @property
    def is_judged(self) -> bool:
        return self.kind in JUDGED

    @property
    def configuration(self) -> str:
        """What scores call the prompt: the last part of the module's name."""
        return self.module.rpartition(".")[2]


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("mmlu", "choice", "mmlu.mmlu_openai_simple_evals_gen_b618ea", "mmlu_datasets"),
        Benchmark("mmlu_pro", "choice", "mmlu_pro.mmlu_pro_0shot_cot_gen_08c1de", "mmlu_pro_datasets"),
        Benchmark("wikibench", "circular", "wikibench.wikibench_gen_0978ad", "wikibench_datasets"),
        Benchmark("mbpp", "mbpp", "mbpp.mbpp_gen_830460", "mbpp_datasets"),
        Benchmark("livecodebench", "livecodebench", "livecodebench.livecodebench_gen_a4f90b", "LCB_datasets"),
        Benchmark(
            "alpaca_eval",
            "alpaca_eval",
            "subjective.alpaca_eval.alpacav2_judgeby_gpt4_new",
            "alpacav2_datasets",
            baselines=("gpt4-turbo",),
        ),
        Benchmark(
            "arena_hard",
            "arena_hard",
            "subjective.arena_hard.arena_hard_compare_new",
            "arenahard_datasets",
            baselines=("gpt4-0314",),
        ),
        Benchmark(
            "wildbench",
            "wildbench",
            "subjective.wildbench.wildbench_pair_judge_new",
            "wildbench_datasets",
            baselines=("llama-2-70b-chat-hf", "gpt4-turbo", "HaiKu"),
        ),
    )
}


def benchmark_called(name: str) -> Benchmark:
    """Raises `InputError` for a benchmark that is not driven through OpenCompass here."""
    if name not in BENCHMARKS:
        raise InputError(f"'{name}' is not scored through OpenCompass: {nearest(name, list(BENCHMARKS))}")
    return BENCHMARKS[name]
