"""Recipes: layers, assignments, and the one line a mistake is told in."""

from pathlib import Path
from typing import Any

import pytest

from genius_bench.errors import InputError
from genius_bench.layers import merge, parse_assignments, read_layer, validate
from genius_bench.recipe import CorpusSection, Recipe, TrainingSection


def complaint(values: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        validate(Recipe, values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_a_valid_recipe() -> None:
    recipe = validate(Recipe, {})
    assert (recipe.method, recipe.model, recipe.corpus.name) == ("genius", "lab", "lab")


@pytest.mark.parametrize(
    ("values", "wrong", "right"),
    [
        ({"metod": "star"}, "'metod'", "'method'"),
        ({"training": {"learning_rat": 1e-5}}, "'training.learning_rat'", "'learning_rate'"),
        ({"training": {"lora": {"rnk": 4}}}, "'training.lora.rnk'", "'rank'"),
        ({"corpus": {"querys": 10}}, "'corpus.querys'", "'queries'"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(
    values: dict[str, Any], wrong: str, right: str
) -> None:
    message = complaint(values)
    assert wrong in message
    assert f"did you mean {right}" in message


def test_a_key_like_no_other_lists_the_valid_ones() -> None:
    assert "corpus, engine, evaluation, launch, method" in complaint({"zzzz": 1})


@pytest.mark.parametrize(
    "values",
    [
        {"seed": "many"},
        {"training": {"batch_size": 0}},
        {"training": {"batch_size": 1.5}},
        {"training": {"warmup": 1.0}},
        {"training": {"learning_rate": -1e-6}},
        {"training": {"schedule": "staircase"}},
        {"training": 3},
        {"corpus": {"queries": -1}},
        {"corpus": {"skip_bad_rows": "perhaps"}},
        {"evaluation": {"protocol": "secret"}},
    ],
)
def test_a_wrong_type_or_an_impossible_value_names_key_and_value(values: dict[str, Any]) -> None:
    key, inner = next(iter(values.items()))
    name, value = (
        (key, inner)
        if not isinstance(inner, dict)
        else (f"{key}.{next(iter(inner))}", next(iter(inner.values())))
    )
    assert complaint(values).startswith(f"{name} = {value!r}: ")


def test_a_section_validated_by_itself_is_named_in_full() -> None:
    with pytest.raises(InputError, match=r"'sampling\.beta'.*valid"):
        validate(TrainingSection, {"beta": 1}, "sampling")


def test_later_layers_win_key_by_key() -> None:
    defaults = {"training": {"learning_rate": 1e-6, "epochs": 1}, "model": "lab"}
    file = {"training": {"epochs": 2}}
    option = {"model": "other"}
    assert merge(defaults, file, option) == {
        "training": {"learning_rate": 1e-6, "epochs": 2},
        "model": "other",
    }
    assert defaults == {"training": {"learning_rate": 1e-6, "epochs": 1}, "model": "lab"}


def test_a_value_replaces_a_section_and_the_other_way_round() -> None:
    assert merge({"a": {"b": 1}}, {"a": 2}) == {"a": 2}
    assert merge({"a": 2}, {"a": {"b": 1}}) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-7", 5e-7),
        ("-1E5", -1e5),
        ("1.5e3", 1500.0),
        ("12", 12),
        ("0.1", 0.1),
        ("true", True),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("[5e-7, 1e-6]", [5e-7, 1e-6]),
        ("{rank: 8}", {"rank": 8}),
        ("", ""),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("infinity", "infinity"),
        ("'5e-7'", "5e-7"),
        ("a=b", "a=b"),
    ],
)
def test_assignments_read_values_as_people_mean_them(text: str, value: object) -> None:
    assert parse_assignments([f"section.key={text}"]) == {"section": {"key": value}}


def test_assignments_build_one_layer_and_the_last_wins() -> None:
    layer = parse_assignments(["training.epochs=2", "training.lora.rank=8", "training.epochs=3", "seed=4"])
    assert layer == {"training": {"epochs": 3, "lora": {"rank": 8}}, "seed": 4}
    recipe = validate(Recipe, layer)
    assert (recipe.training.epochs, recipe.training.lora.rank, recipe.seed) == (3, 8, 4)


@pytest.mark.parametrize("assignment", ["training.epochs", "=3", "a=[1", "a=2024-13-45"])
def test_a_broken_assignment_is_quoted(assignment: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_assignments([assignment])
    assert f"--set {assignment}:" in str(caught.value)


def test_a_recipe_file_reads_numbers_like_assignments(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("training:\n  learning_rate: 5e-7\nsampling: {rates: [1e-3]}\n")
    assert read_layer(path) == {"training": {"learning_rate": 5e-7}, "sampling": {"rates": [1e-3]}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: [1\n", "line 3"),
        (b"- a\n- b\n", "must be a mapping of sections, not a list"),
        (b"\xff\xfe", "cannot read recipe"),
        (b"day: 2024-13-45\n", "not valid YAML"),
    ],
)
def test_a_broken_recipe_file_says_where(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_layer(path)


def test_a_missing_recipe_file_is_named_and_an_empty_one_is_an_empty_layer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        read_layer(tmp_path / "nowhere.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_layer(tmp_path / "empty.yaml") == {}


def test_sections_do_not_change_after_validation() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CorpusSection().name = "other"
