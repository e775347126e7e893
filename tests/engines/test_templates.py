"""A chat template that loops or takes all memory is one line, and not a machine that hangs."""

import os
import resource
from pathlib import Path

import pytest

from genius_bench.engines import templates
from genius_bench.engines.loading import load_tokenizer
from genius_bench.engines.rendering import render
from genius_bench.errors import InputError
from genius_bench.lab import MODEL_PATH
from genius_bench.rows import Message
from tests.engines.layouts import LAYOUTS, Layout

LOOP = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"
TOO_SLOW = "takes more than 1 seconds"
TOO_LARGE = "takes more than 256 MiB or writes more than 1048576 characters"
HOSTILE = {
    "loops": (LOOP, TOO_SLOW),
    "loops for system texts alone": (
        "{% if messages[0].role == 'system' %}" + LOOP + "{% endif %}",
        TOO_SLOW,
    ),
    "loops after answers alone": ("{% if not add_generation_prompt %}" + LOOP + "{% endif %}", TOO_SLOW),
    "calls itself": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        TOO_SLOW,
    ),
    "goes over every letter for every letter": (
        "{% for a in messages[0].content %}{% for b in messages[0].content %}{% endfor %}{% endfor %}",
        TOO_SLOW,
    ),
    "takes all memory": ("{{ 'a' * 10**10 }}", TOO_LARGE),
    "doubles": (
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        TOO_LARGE,
    ),
    "writes a book": ("{{ 'a' * 10**7 }}", TOO_LARGE),
    "takes all memory where it finds a digit": (
        "{% if '1' in messages[0].content %}{{ 'a' * 10**10 }}{% endif %}",
        TOO_LARGE,
    ),
    "a wide number": ("{{ '%2000000000d' % 3 }}", TOO_LARGE),
}


@pytest.mark.parametrize(("template", "problem"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_takes_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str, problem: str
) -> None:
    # Whatever fills the memory may take a slow machine longer than what only loops is given here.
    monkeypatch.setattr(templates, "CPU_SECONDS", 1 if problem == TOO_SLOW else 30)
    file = tmp_path / "mine.jinja"
    file.write_text(template)
    with pytest.raises(InputError) as caught:
        load_tokenizer(MODEL_PATH, str(file))
    assert str(caught.value) == (
        f"the chat template of {file} cannot be used: for a short conversation it {problem}"
    )
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY, "limits are the child's"
    monkeypatch.setattr(os, "fork", pytest.fail)  # what was refused is not tried again
    with pytest.raises(InputError):
        load_tokenizer(MODEL_PATH, str(file))


def test_a_model_that_brings_such_a_template_is_refused_too(tmp_path: Path) -> None:
    tokenizer = LAYOUTS["gemma"].tokenizer()
    tokenizer.chat_template = "{{ 'a' * 10**10 }}"
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=f"the chat template of {tmp_path} cannot be used"):
        load_tokenizer(tmp_path)
    assert load_tokenizer(tmp_path, "plain").chat_template is None


@pytest.mark.parametrize(
    "layout", [one for one in LAYOUTS.values() if one.template], ids=range(len(LAYOUTS) - 1)
)
def test_templates_in_use_are_fine_and_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Layout
) -> None:
    forks, fork = [], os.fork

    def counted() -> int:
        forks.append("one more")
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(templates, "_problems", {})
    layout.tokenizer().save_pretrained(tmp_path)
    for _ in range(3):
        assert render(load_tokenizer(tmp_path), [Message(role="user", content="Why?")])
    assert len(forks) == 1


def test_a_template_that_is_none_is_told_by_what_it_cannot_render(tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for m in messages %}")
    with pytest.raises(InputError, match="cannot render this conversation: Unexpected end of template"):
        render(load_tokenizer(MODEL_PATH, str(file)), [Message(role="user", content="Why?")])


def test_a_system_without_proc_limits_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "Path", lambda place: tmp_path / "nothing")
    monkeypatch.setattr(templates, "CPU_SECONDS", 1)
    monkeypatch.setattr(templates, "_problems", {})
    load_tokenizer(MODEL_PATH)
    file = tmp_path / "mine.jinja"
    file.write_text(LOOP)
    with pytest.raises(InputError, match=TOO_SLOW):
        load_tokenizer(MODEL_PATH, str(file))
