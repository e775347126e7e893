"""What is read from a class's source is what importing it shows."""

import pytest

from genius_bench import registry
from genius_bench.declared import declared
from genius_bench.recipe import EvaluationSection, TrainingSection


@pytest.mark.parametrize("name", registry.names("objectives"))
def test_an_objective_declares_what_it_is(name: str) -> None:
    imported = registry.load("objectives", name)
    read = declared(registry.place("objectives", name))
    for constant in ("name", "title", "source", "eats", "needs_reference", "needs_advantages"):
        assert read.constants[constant] == getattr(imported, constant)
    parameters = {key: field.default for key, field in imported.model_fields.items()}
    assert {key: one.value for key, one in read.fields.items()} == parameters


@pytest.mark.parametrize("section", [TrainingSection, EvaluationSection])
def test_a_section_declares_its_fields_with_their_words(section: type) -> None:
    read = declared(f"{section.__module__}:{section.__name__}")
    assert list(read.fields) == list(section.model_fields)  # type: ignore[attr-defined]
    if section is TrainingSection:
        assert read.fields["warmup"].kind == "float ≥ 0 and < 1"
        assert read.fields["warmup"].value == 0.1
        assert read.fields["warmup"].doc == "Share of the steps over which the learning rate rises."


def test_what_is_handed_on_is_found_where_it_is_written() -> None:
    assert declared("genius_bench.corpora:Corpus").doc.startswith("The training queries of a run")
    assert declared("no_such_module:Thing").fields == {}
