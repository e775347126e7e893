"""Recipes that say something else than one thinks, or that would take all memory: refused in one line."""

import time
from pathlib import Path
from typing import Any

import pytest

from genius_bench.cli import main
from genius_bench.errors import InputError
from genius_bench.evaluation.cards import read_yaml
from genius_bench.layers import parse_assignments, read_layer, validate
from genius_bench.recipe import Recipe
from genius_bench.resolution import resolve

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "training:\n  batch_size: 8\n  epochs: 2\n  batch_size: 9\n",
            r"line 4 .*'batch_size' is given twice \(first in line 2\)",
        ),
        ("seed: 1\n'seed': 2\n", r"line 2 .*'seed' is given twice \(first in line 1\)"),
        ("training: {epochs: 1, epochs: 2}\n", "'epochs' is given twice"),
        ("seed: 1\ntraining: {epochs: 1}\nseed: 1\n", "line 3 .*'seed' is given twice"),
        ("[" * 100_000, "nested more than 20 levels"),
        ("{a: " * 5_000, "nested more than 20 levels"),
        ("- " * 3_000 + "a", "nested more than 20 levels"),
        ("a: " + "[" * 30 + "]" * 30, "line 1 .*nested more than 20 levels"),
        ("a: &a [*a]\n", "nested more than 20 levels"),
        ("a: &a {b: *a}\n", "nested more than 20 levels"),
        (LAUGHS, "holds more than 10000 values"),
        ("a: [" + "1, " * 20_000 + "1]", "holds more than 10000 values"),
        ("a: " + "x" * 2**19, "more than 262144 characters"),
        ("? [a, b]\n: 1\n", "line 1 .*a key is a name"),
        ("? {a: 1}\n: 1\n", "line 1 .*a key is a name"),
        ("model: !!python/object/apply:os.system ['true']\n", "line 1 .*tells how to read what follows"),
        ("model: !!python/name:os.system\n", "line 1 .*tells how to read what follows"),
        ("model: !!binary bGFi\n", "line 1 .*tells how to read what follows"),
        ("model: !!set {lab}\n", "line 1 .*tells how to read what follows"),
        ("model: !mine lab\n", "line 1 .*tells how to read what follows"),
        ("seed: !!int ''\n", "line 1 .*'tag:yaml.org,2002:int' tells how to read what follows"),
        ("a: {b: !!bool x}\n", "line 1 .*tells how to read what follows"),
        ("seed:\n  !!timestamp x\n", "line 2 .*tells how to read what follows"),
        ("training: !!map {}\n", "line 1 .*tells how to read what follows"),
        ("!!str seed: 1\n", "line 1 .*tells how to read what follows"),
        ("seed: ! 1\n", "line 1 .*tells how to read what follows"),
        ("seed: 010\n", "line 1 .*'010' is a number to base 8 or 60"),
        ("seed: [-0_17]\n", "line 1 .*'-0_17' is a number to base 8 or 60"),
        ("a: 1\nseed: 1:30\n", "line 2 .*'1:30' is a number to base 8 or 60"),
        ("temperature: 1:30.5\n", "line 1 .*'1:30.5' is a number to base 8 or 60"),
        ("010: 1\n", "line 1 .*'010' is a number"),
        ("a: &a {seed: 1}\nb:\n  <<: *a\n", "line 3 .*'<<' puts keys here"),
        ("a: 1\n---\na: 2\n", "line 2 .*but found another document"),
        ("seed: " + "9" * 5_000, "is not valid YAML: Exceeds the limit"),
        ("- seed: 1\n", "must be a mapping of sections, not a list"),
        ("lab\n", "must be a mapping of sections, not a str"),
        ("a: *nobody\n", "line 1 .*undefined alias"),
        ("a: \x1b[31m\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_plain_recipe(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    started = time.process_time()
    with pytest.raises(InputError, match=said) as caught:
        read_layer(path)
    assert time.process_time() - started < 5
    assert len(" ".join(str(caught.value).split())) < 600


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"training": {"learning_rate": float("inf")}},
            r"training.learning_rate = inf: input should be a finite number",
        ),
        (
            {"training": {"learning_rate": float("nan")}},
            r"training.learning_rate = nan: input should be a finite number",
        ),
        (
            {"training": {"learning_rate": "inf"}},
            "training.learning_rate = 'inf': input should be a finite number",
        ),
        ({"training": {"learning_rate": True}}, "training.learning_rate: true is no number"),
        ({"training": {"epochs": True}}, "training.epochs: true is no number"),
        ({"training": {"eval_every": False}}, "training.eval_every: false is no number"),
        ({"training": {"batch_size": 10**30}}, "training.batch_size: the number is too large"),
        ({"training": {"batch_size": 16**9999}}, "training.batch_size"),
        ({"training": {"epochs": 1e300}}, "training.epochs"),
        ({"training": {"lora": {"alpha": float("inf")}}}, "training.lora.alpha = inf"),
        ({"seed": -1}, "seed = -1: input should be greater than or equal to 0"),
        ({"seed": True}, "seed: true is no number"),
        ({"seed": 2**63}, "seed: the number is too large"),
        ({"corpus": {"seed": -1}}, "corpus.seed = -1"),
        ({"corpus": {"queries": float("nan")}}, "corpus.queries = nan"),
        ({"evaluation": {"temperature": float("inf")}}, "evaluation.temperature = inf"),
        ({"evaluation": {"judge": {"max_cost": float("inf")}}}, "evaluation.judge.max_cost = inf"),
        ({"engine": {"memory_share": True}}, "engine.memory_share: true is no number"),
        ({"sampling": {"step_temperature": float("nan")}}, "sampling.step_temperature = nan"),
        ({"sampling": {"rollouts": True}}, "sampling.rollouts: true is no number"),
        ({"objective": {"beta": float("inf")}}, "objective.beta = inf"),
        ({"model": ["x" * 10_000]}, "model = "),
        ({"objective": {"name": ["dpo"]}}, "unknown objective"),
        ({"objective": {"name": {"a": 1}}}, "unknown objective"),
        (
            {"launch": {"launcher": "torchrun", "machines": ["here", "-oProxyCommand=touch x"]}},
            "launch.machines: '-oProxyCommand=touch x' is no host",
        ),
        ({"launch": {"launcher": "torchrun", "machines": ["-Jx"]}}, "'-Jx' is no host"),
        ({"launch": {"launcher": "torchrun", "machines": [""]}}, "'' is no host"),
        ({"launch": {"launcher": "torchrun", "machines": ["a b"]}}, "'a b' is no host"),
        ({"launch": {"launcher": "torchrun", "machines": ["me@-x"]}}, "'me@-x' is no host"),
        ({"launch": {"launcher": "torchrun", "machines": ["a\n"]}}, r"'a\\n' is no host"),
        ({1: 2}, "1"),
        ({None: {}}, "None"),
    ],
)
def test_values_that_cannot_be_meant(values: dict[Any, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        resolve(values)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("training.learning_rate=.inf", "training.learning_rate = inf"),
        ("training.learning_rate=.nan", "training.learning_rate = nan"),
        ("seed=-1", "seed = -1"),
        ("training={epochs: 1, epochs: 2}", "the value is not valid YAML: 'epochs' is given twice"),
        ("training=" + "[" * 10_000, "the value is not valid YAML: it is nested more than 20 levels deep"),
        ("seed=" + "9" * 5_000, "the value is not valid YAML: Exceeds the limit"),
        ("seed=!!int ''", "the value is not valid YAML: .*tells how to read"),
        ("seed=010", "'010' is a number to base 8 or 60"),
        ("model=!!python/name:os.system", "tells how to read what follows"),
        (".".join("a" * 1_000) + "=1", "write it as section.key=value"),
    ],
)
def test_an_assignment_that_cannot_be_meant(assignment: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        validate(Recipe, parse_assignments([assignment]))
    assert len(str(caught.value)) < 600


def test_what_people_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(
        b"\xef\xbb\xbfbase: &base {epochs: 2}\nother: *base\ntime: '1:30'\n"
        b"training:\n  epochs: 2\n  learning_rate: 5e-7\n  gradient_checkpointing: yes\n  packing: true\nseed: 7\n"
    )
    assert read_layer(path) == {
        "base": {"epochs": 2},
        "other": {"epochs": 2},
        "time": "1:30",
        "training": {"epochs": 2, "learning_rate": 5e-7, "gradient_checkpointing": True, "packing": True},
        "seed": 7,
    }
    recipe = validate(
        Recipe, {key: value for key, value in read_layer(path).items() if key in ("training", "seed")}
    )
    assert recipe.training.gradient_checkpointing is True
    assert recipe.training.packing is True
    assert (
        validate(Recipe, {"seed": 2**63 - 1, "training": {"epochs": 2.0, "warmup": 0}}).training.epochs == 2
    )


@pytest.mark.parametrize("host", ["node-1", "gpu_2.example.org", "10.0.0.1", "fe80::1", "me@node", "::1"])
def test_hosts(host: str) -> None:
    values = {"launch": {"launcher": "torchrun", "machines": [host]}}
    assert validate(Recipe, values).launch.machines == [host]


@pytest.mark.parametrize("kind", ["!!python/name:os.system", "!!int ''", "010", "{a: 1, a: 2}"])
def test_a_task_file_is_as_plain(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(f"task: mine\nnum_fewshot: {kind}\n")
    with pytest.raises(InputError, match=r"task\.yaml line 2 is not valid YAML"):
        read_yaml(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("corpora", "lab", "--set", "corpus=5"),
        ("eval", "lab", "--suite", "lab", "--set", "engine=5"),
        ("eval", "lab", "--suite", "lab", "--set", "evaluation=[1]"),
    ],
)
def test_a_section_that_is_none(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 2
    assert "a section is set key by key" in capsys.readouterr().err
