"""Recipes: everything that determines a run, validated before anything starts.

Precedence: defaults < the method's and the model's presets < recipe file < `--set section.key=value` < options.
"""

import re
from typing import Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from genius_bench.layers import shown


class Section(BaseModel):
    """A part of a recipe: unknown keys are refused, values are never changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """True would pass for 1."""
        if isinstance(value, bool) and info.field_name in cls.model_fields:
            kinds = _kinds(cls.model_fields[info.field_name].annotation)
            if kinds & {int, float} and not kinds & {bool, Any}:
                raise ValueError(f"{str(value).lower()} is no number")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_number_beyond_counting(cls, value: Any) -> Any:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("the number is too large")
        return value


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation names, at any depth."""
    return {annotation}.union(*map(_kinds, get_args(annotation)))


class CorpusSection(Section):
    """Where the training queries come from."""

    name: str = "lab"
    """A corpus plug-in (`lab`, `magpie`, `openhermes`), a JSONL/Parquet file or folder, or a hub dataset id."""
    queries: PositiveInt | None = None
    """How many to draw; all when not given (the named corpora have the paper's numbers)."""
    revision: str | None = None
    """Commit, tag or branch of a hub data set. The commit that was read is always recorded; name it to pin it."""
    data: str | None = None
    """A local folder of data sets (one sub-folder a corpus) used instead of the hub for the named corpora."""
    seed: NonNegativeInt = 0
    """Draws the subset. Separate from the run's seed, so that training seeds share their queries."""
    query_column: str | None = None
    reference_column: str | None = None
    answer_column: str | None = None
    skip_bad_rows: bool = False
    max_prompt_tokens: PositiveInt = 1024
    """A longer query is refused (or skipped and counted, with `skip_bad_rows`)."""
    overlap: Literal["off", "warn", "refuse"] = "warn"
    """What is done before anything is spent when a query holds an item that the run will be scored on."""


class LoraSection(Section):
    rank: NonNegativeInt = 0
    """0 trains all weights."""
    alpha: PositiveFloat = 32.0
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: str = "all-linear"


class TrainingSection(Section):
    """The optimise stage, the same for every method. Defaults: methods' shared settings of the paper."""

    learning_rate: PositiveFloat = 5e-7
    batch_size: PositiveInt = 128
    """Rows (pairs, demonstrations) per optimiser step, over all processes."""
    micro_batch_size: PositiveInt = 8
    """Rows per forward pass and process; the rest of the batch is accumulated."""
    epochs: PositiveInt = 1
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    weight_decay: NonNegativeFloat = 0.0
    max_grad_norm: PositiveFloat = 1.0
    max_length: PositiveInt = 2048
    """Tokens of prompt + response. Longer rows are dropped and counted, never cut."""
    reference: Literal["recorded", "recompute"] = "recorded"
    """Reference log-probabilities as recorded while sampling, or by a teacher-forced pass before training."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    gradient_checkpointing: bool = False
    attention: Literal["auto", "sdpa", "flash_attention_2", "eager"] = "auto"
    """`auto`: FlashAttention where it is installed and can be used, PyTorch's own (sdpa) everywhere else."""
    packing: bool | Literal["auto"] = "auto"
    """Sequences of a micro batch laid end to end without padding; `auto`: where the model keeps them apart."""
    shared_prompts: bool | Literal["auto"] = "auto"
    """Packed pairs with their prompt once, read by both responses; `auto`: where that saves tokens."""
    checkpoint_every: PositiveInt = 50
    """Optimiser steps between the states from which an interrupted training continues."""
    eval_every: PositiveInt | None = None
    """Optimiser steps between the checkpoints that are kept, and scored, on the way to the last one; none when not
    given."""
    report_to: Literal["none", "tensorboard", "wandb"] = "tensorboard"
    lora: LoraSection = LoraSection()

    @model_validator(mode="after")
    def _batches_fit(self) -> "TrainingSection":
        if self.batch_size % min(self.micro_batch_size, self.batch_size):
            raise ValueError(f"batch_size is not a multiple of micro_batch_size = {self.micro_batch_size}")
        return self

    @model_validator(mode="after")
    def _sharing_is_packing(self) -> "TrainingSection":
        if self.shared_prompts is True and self.packing is False:
            raise ValueError("shared_prompts needs packing: only packed rows can share a prompt")
        return self


HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,254}")
"""A host's name or address, or what `~/.ssh/config` calls it, with or without a user."""


class LaunchSection(Section):
    """How the optimise stage is spread over devices. A checkpoint's identity does not depend on it: results are equal
    up to the order of floating-point sums, and a training goes on with another number of processes."""

    launcher: Literal["none", "torchrun", "accelerate", "deepspeed"] = "none"
    processes: PositiveInt = 1
    """Per machine: one a device."""
    machines: list[str] = []
    """Hosts that are reached by ssh and share the home's file system; the first one is where the command is given."""
    port: PositiveInt = 29500
    """Where the first machine is met by the others."""
    sharding: Literal["none", "zero2", "zero3", "fsdp2"] = "none"
    """What is divided among processes: nothing, optimiser states and gradients (zero2), or the weights too."""

    @field_validator("machines")
    @classmethod
    def _hosts(cls, machines: list[str]) -> list[str]:
        """ssh takes a name that begins with a dash for an option, and some options run programs."""
        for machine in machines:
            if not HOST.fullmatch(machine):
                raise ValueError(f"{shown(machine)} is no host: write it as name, address or user@name")
        return machines

    @model_validator(mode="after")
    def _launched(self) -> "LaunchSection":
        if self.launcher == "none" and (self.processes > 1 or self.machines or self.sharding != "none"):
            raise ValueError(
                "processes, machines and sharding need a launcher (--launcher torchrun, accelerate, deepspeed)"
            )
        return self


class EngineSection(Section):
    name: str = "hf"
    """`hf`, `vllm`, `openai` or a plug-in; with `ray:` in front, several of them spread over a Ray cluster."""
    workers: PositiveInt | None = None
    """Ray: how many engines, each with its own devices; as many as the cluster has room for when not given."""
    tensor_parallel: PositiveInt = 1
    """vLLM: devices over which one copy of the model is divided."""
    data_parallel: PositiveInt = 1
    """vLLM: copies of the model behind one engine."""
    memory_share: float = Field(default=0.9, gt=0, le=1)
    """vLLM: share of a device's memory for weights and key-value cache."""
    max_context: PositiveInt | None = None
    """vLLM: tokens of prompt and completion together; the model's own limit when not given."""
    max_batch: PositiveInt = 256
    """Requests decoded together; for an endpoint, requests at a time."""
    max_batch_tokens: PositiveInt = 131072
    """Tokens decoded together (requests × the longest of them) up to which more may join."""
    device: str = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    chat_template: str | None = None
    """For a model that has none (or instead of its own): a Jinja file, or `plain` for "Question: … Answer:"."""
    url: str | None = None
    """`openai`, for a training: the server that samples, up to and including `/v1`. It must serve the very model."""
    served_model: str | None = None
    """The name under which an endpoint serves the model; not needed where it serves only one."""
    tokenizer: str | None = None
    """An endpoint's tokenizer (a folder or hub id): prompts are rendered here and sent as token ids. Without one, or
    where the server does not take token ids, messages are sent and the server's own template renders them."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds an endpoint's key."""
    timeout_seconds: PositiveFloat = 600.0
    """Per try of a request to an endpoint."""
    tries: PositiveInt = 6
    """Per request to an endpoint, with growing pauses, before it is recorded as failed."""

    @property
    def spread(self) -> bool:
        """Whether Ray spreads the requests over workers."""
        return self.name.startswith("ray:")

    @property
    def generator(self) -> str:
        """The engine that generates: the name without `ray:`, which leaves the answers as they are."""
        return self.name.removeprefix("ray:")

    @property
    def for_files(self) -> "EngineSection":
        """This one, or `hf` in place of one that asks servers: what runs a model that lies here."""
        if self.generator != "openai":
            return self
        return self.model_copy(update={"name": "hf", "workers": None, "url": None})

    @property
    def copies(self) -> int:
        """Of the model behind one engine."""
        return self.data_parallel if self.generator == "vllm" else 1

    @model_validator(mode="after")
    def _workers_are_spread(self) -> "EngineSection":
        if self.workers and not self.spread:
            raise ValueError(f"workers need Ray: --engine ray:{self.name}")
        return self

    @model_validator(mode="after")
    def _what_only_some_engines_have(self) -> "EngineSection":
        if self.generator in ("hf", "openai") and self.tensor_parallel * self.data_parallel > 1:
            raise ValueError(
                f"tensor_parallel and data_parallel need vLLM: --engine vllm instead of {self.name}"
            )
        if self.url is not None and self.generator != "openai":
            raise ValueError(f"url needs an engine that asks servers: --engine openai instead of {self.name}")
        return self


class JudgeSection(Section):
    """Who compares the answers of open-ended tasks. Without a model such tasks are answered but not scored."""

    model: str | None = None
    """The judge's name at `url`; without one `lab`, a local folder or a hub id, run by the recipe's engine."""
    url: str | None = None
    """An OpenAI-compatible endpoint, up to and including `/v1`. Its key is read from `key_variable`."""
    key_variable: str = "OPENAI_API_KEY"
    both_orders: bool = True
    """Each pair is judged twice with the answers exchanged: judges favour a position."""
    temperature: NonNegativeFloat = 0.0
    max_tokens: PositiveInt = 1024
    concurrency: PositiveInt = 16
    """Requests to an endpoint at a time."""
    timeout_seconds: PositiveFloat = 120.0
    tries: PositiveInt = 5
    """Per request, with growing pauses, before it is recorded as failed."""
    input_price: NonNegativeFloat | None = None
    """Per million prompt tokens, in any currency; with `output_price` the cost is estimated before it is spent."""
    output_price: NonNegativeFloat | None = None
    max_cost: PositiveFloat | None = None
    """Refuse to judge when the estimate is higher."""

    @model_validator(mode="after")
    def _complete(self) -> "JudgeSection":
        if self.url is not None and self.model is None:
            raise ValueError("a judge's URL needs the judge's name: evaluation.judge.model (--judge)")
        if self.max_cost is not None and None in (self.input_price, self.output_price):
            raise ValueError("max_cost needs input_price and output_price")
        return self


MANY_SAMPLES = 16
"""From so many on, an evaluation tells how many questions a model can solve at all."""


class EvaluationSection(Section):
    suite: str | None = None
    """A suite or a comma-separated list of tasks; else `lab` or `plain` for lab and smollm2, `reasoning` for others."""
    protocol: Literal["strict", "paper", "released"] = "strict"
    """`tasks/protocols.yaml` says what each asks for."""
    runner: Literal["auto", "native", "opencompass"] = "auto"
    """`auto`: OpenCompass where the protocol's numbers come from it, our own engines everywhere else."""
    samples: NonNegativeInt | None = None
    """Samples per item at `temperature`, beside the greedy answer; as the protocol says when not given."""
    temperature: PositiveFloat = 1.0
    greedy: bool | None = None
    """Whether a greedy answer is wanted; as the protocol says when not given."""
    temperatures: tuple[PositiveFloat, ...] = (0.3, 0.5, 0.7)
    """Where every model is sampled as well: what lowering the temperature gives for nothing. None at all: `[]`."""
    control_samples: PositiveInt = 1
    """Samples per item at each of them."""
    coverage: NonNegativeInt = 0
    """So many samples at `temperature` of `coverage_items` items a task: pass@k up to this k, a power of two from 16
    on. 0: none."""
    coverage_items: PositiveInt = 50
    split: str | None = None
    """Another split than the tasks' own (`tuning` for the lab, `train`, …): what settings may be chosen on."""
    limit: PositiveInt | None = None
    """Only the first items of each task (for trying out; such scores are marked)."""
    max_tokens: PositiveInt | None = None
    """Overrides each task's own limit."""
    data: str | None = None
    """A local folder of data sets (one sub-folder a task) used instead of the hub."""
    unsafe_code: bool = False
    """Run model-written code without a sandbox where none is available."""
    judge: JudgeSection = JudgeSection()

    @field_validator("coverage")
    @classmethod
    def _many_samples(cls, coverage: int) -> int:
        if coverage and (coverage < MANY_SAMPLES or coverage.bit_count() > 1):
            raise ValueError(f"{coverage} is neither 0 nor a power of two from {MANY_SAMPLES} on")
        return coverage


CONTROLS = ("temperatures", "control_samples", "coverage", "coverage_items")
"""What of an evaluation asks for more answers beside the board's own, which do not depend on it."""


class Recipe(Section):
    """One run."""

    method: str = "genius"
    variant: str = "paper"
    model: str = "lab"
    seed: NonNegativeInt = 0
    corpus: CorpusSection = CorpusSection()
    sampling: dict[str, Any] = {}
    """The method's own options (how it samples and curates); validated by the method."""
    objective: dict[str, Any] = {}
    """`name` and the objective's own parameters; the method's objective when no name is given."""
    training: TrainingSection = TrainingSection()
    launch: LaunchSection = LaunchSection()
    engine: EngineSection = EngineSection()
    evaluation: EvaluationSection = EvaluationSection()


NOT_WHAT: dict[str, Any] = {
    "launch": True,
    "engine": {"workers": True, "url": True},
    "corpus": {"overlap": True},
    "evaluation": dict.fromkeys((*CONTROLS, "greedy"), True),
}
"""Parts of a recipe that say on how many devices, or what else is looked at, not what is done: the same run."""
