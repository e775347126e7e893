"""Queries that the model at hand cannot be asked are found before anything is sampled, named, left out and replaced."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genius_bench.artifacts import Store
from genius_bench.corpora import Corpus, stored
from genius_bench.engines import rendering
from genius_bench.engines.loading import ModelFiles
from genius_bench.errors import InputError
from genius_bench.resolution import resolve
from genius_bench.sampling.foresight_options import ForesightOptions
from genius_bench.sampling.prompts import prompt_for
from genius_bench.stages import usable_corpus
from tests.engines.layouts import CHATML, EOS, LAYOUTS, Layout

TURN = {"system": "s", "user": "Hi there", "assistant": "Hello"}


def model(folder: Path, layout: Layout) -> ModelFiles:
    """As much of a model as reading a corpus needs."""
    folder.mkdir(exist_ok=True)
    layout.tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 4096}))
    return ModelFiles("made", folder, "of its files")


def read(
    tmp_path: Path, rows: list[dict[str, Any]], layout: Layout = LAYOUTS["gemma"], **corpus: Any
) -> Corpus:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    method, sampling = corpus.pop("method", "star"), corpus.pop("sampling", {})
    asked = resolve(
        {"method": method, "model": "made", "sampling": sampling, "corpus": {"name": str(path), **corpus}}
    )
    return usable_corpus(asked, model(tmp_path / "model", layout))


def talk(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": TURN[role]} for role in roles]}


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        (("system", "user"), "System role not supported"),
        (("user", "user"), "roles must alternate"),
        (("assistant", "user"), "roles must alternate"),
    ],
)
def test_a_row_that_the_template_refuses_is_a_bad_row(
    tmp_path: Path, roles: tuple[str, ...], reason: str
) -> None:
    rows = [talk("user"), talk(*roles), talk("user", "assistant", "user")]
    with pytest.raises(InputError) as caught:
        read(tmp_path, rows)
    said = str(caught.value)
    assert said.startswith("rows.jsonl line 2: row 'q-")
    assert reason in said
    assert "\n" not in said
    assert said.endswith("Mend the row, or skip such rows with --set corpus.skip_bad_rows=true")
    corpus = read(tmp_path, rows, skip_bad_rows=True)
    assert (len(corpus.queries), corpus.skipped) == (2, {"refused by the chat template": 1})


DROPS = {
    "writes no system text": "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}",
    "writes the last alone": "{{ messages[-1].content }}",
}
WRITES = {
    "trims and joins": "{% for m in messages %}{{ m.content.split() | join(' ') }}{% endfor %}",
    "as JSON": "{{ messages | tojson }}",
    "escapes": "{% for m in messages %}{{ m.content | e }}{% endfor %}",
    "without earlier thoughts": "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}",
    "system text under the question": "{% for m in messages[1:] %}{{ m.content }}{% endfor %}{{ messages[0].content }}",
}
SAID = [
    {"role": "system", "content": 'Be <brief> & "kind".'},
    {"role": "user", "content": " Why,\n\tthough? "},
    {"role": "assistant", "content": "<think>Why?</think>Därum."},
    {"role": "user", "content": "Why,\n\tthough? "},
]


@pytest.mark.parametrize("template", DROPS.values(), ids=DROPS.keys())
def test_a_row_of_which_the_template_leaves_something_out_is_a_bad_row(tmp_path: Path, template: str) -> None:
    layout = Layout(template, (), {}, "")
    with pytest.raises(InputError, match=r"line 2: .* leaves out what the system says here: 'Be brief.'"):
        read(tmp_path, [talk("user"), {"system": "Be brief.", "prompt": "Why?"}], layout)
    corpus = read(
        tmp_path, [talk("user"), {"system": "Be brief.", "prompt": "Why?"}], layout, skip_bad_rows=True
    )
    assert (len(corpus.queries), corpus.skipped) == (1, {"refused by the chat template": 1})


def test_the_same_question_twice_must_be_written_twice(tmp_path: Path) -> None:
    layout = Layout(CHATML.replace("for m in messages", "for m in messages[:1] + messages[3:]"), (), {}, "")
    twice = [
        {"role": who, "content": text}
        for who, text in (("user", "Why?"), ("assistant", "So."), ("user", "Why?"))
    ]
    with pytest.raises(InputError, match=r"leaves out what the (user|assistant) says"):
        read(tmp_path, [{"messages": twice}], layout)


@pytest.mark.parametrize("template", WRITES.values(), ids=WRITES.keys())
def test_templates_write_what_is_said_in_their_own_way(tmp_path: Path, template: str) -> None:
    assert len(read(tmp_path, [{"messages": SAID}], Layout(template, (), {}, "")).queries) == 1


def test_a_template_that_writes_far_more_than_is_said_is_told_by_the_row(tmp_path: Path) -> None:
    layout = Layout(
        "{{ messages[0].content * (9 * 10**5 if 'Natalia' in messages[0].content else 1) }}", (), {}, ""
    )
    with pytest.raises(
        InputError, match=r"line 2: .* makes 6300000 characters of this conversation, where at most"
    ):
        read(tmp_path, [{"prompt": "Why?"}, {"prompt": "Natalia"}], layout)


def test_an_answer_without_a_thought_is_not_taught_as_one(tmp_path: Path) -> None:
    opened = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    layout = Layout(opened, ("<|im_start|>", "<|im_end|>"), EOS, "")
    rows = [{"query": "Why?", "response": "I see.</think>So."}, {"query": "How?", "response": "So."}]
    with pytest.raises(
        InputError, match=r"line 2: .*cannot be taught: .* begin with <think>, and this answer"
    ):
        read(tmp_path, rows, layout, method="sft")
    corpus = read(tmp_path, rows, layout, method="sft", skip_bad_rows=True)
    assert (len(corpus.queries), corpus.skipped) == (1, {"cannot be taught": 1})
    assert len(read(tmp_path, rows, layout).queries) == 2, (
        "a method without references teaches what is sampled"
    )


def test_where_no_row_can_be_asked_it_is_told_why(tmp_path: Path) -> None:
    long, refused = {"messages": [{"role": "user", "content": "x" * 900}]}, talk("system", "user")
    reasons = {
        "too long": ("too long: 1", [long]),
        "refused": ("refused by the chat template: 1", [refused]),
        "both": ("(too long: 1, refused|refused by the chat template: 1, too).*: 1", [long, refused]),
    }
    for reason, rows in reasons.values():
        with pytest.raises(
            InputError, match=rf"corpus rows.jsonl: no query can be asked \({reason}; at most 99 tokens are"
        ):
            read(tmp_path, rows, skip_bad_rows=True, max_prompt_tokens=99)


@pytest.mark.parametrize(
    ("options", "label", "field"),
    [({"method": "sft"}, "references", "reference"), ({"sampling": {"filter": "gold"}}, "answers", "answer")],
)
def test_rows_that_take_the_places_of_others_need_labels_too(
    tmp_path: Path, options: dict[str, Any], label: str, field: str
) -> None:
    rows = [{"id": f"{n}", "query": f"word {n}", field: "So."} for n in range(3)]
    first, second, spare = sorted(rows, key=lambda row: read(tmp_path, rows).ids().index(row["id"]))
    rows = [{**first, "query": "word " * 200}, second, {"id": spare["id"], "query": spare["query"]}]
    wanted: dict[str, Any] = {"queries": 2, "skip_bad_rows": True, "max_prompt_tokens": 50}
    with pytest.raises(InputError, match=f"needs {label}, but 1 of 2 rows .*first: '{spare['id']}'"):
        read(tmp_path, rows, **options, **wanted)
    assert len(read(tmp_path, [first, second, rows[2]], **options, **wanted).queries) == 2, "it is not needed"


LONG = [{"id": f"{n}", "query": ("word " * 200 if n % 3 else "word") + f" {n}"} for n in range(90)]


def test_queries_left_out_are_replaced_by_the_next_of_the_draw(tmp_path: Path) -> None:
    """30 of 90 rows are short: 20 are wanted, and of the first 20 of the draw about 7 would have been left."""
    corpus = read(tmp_path, LONG, queries=20, skip_bad_rows=True, max_prompt_tokens=50)
    short = [id for id in read(tmp_path, LONG).ids() if int(id) % 3 == 0]
    assert corpus.ids() == short[:20], "in the order of the draw"
    everything = read(tmp_path, LONG).ids()
    assert corpus.skipped == {"too long": everything.index(short[19]) - 19}
    kept = stored(corpus, Store(tmp_path / "home"))
    assert list(kept.queries) == list(corpus.queries)
    larger = read(tmp_path, LONG, queries=25, skip_bad_rows=True, max_prompt_tokens=50)
    assert larger.ids()[:20] == corpus.ids()


def test_too_few_that_can_be_asked_is_an_error_and_a_long_one_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"has 30 queries that can be asked, fewer than the 31 .*too long: 60"
    ):
        read(tmp_path, LONG, queries=31, skip_bad_rows=True, max_prompt_tokens=50)
    with pytest.raises(InputError, match=r"^rows.jsonl line 1: row 'a' is \d+ tokens long, 50 are allowed"):
        read(tmp_path, [{"id": "a", "query": "word " * 99}], max_prompt_tokens=50)


def test_what_limits_the_length_is_named(tmp_path: Path) -> None:
    long = [{"id": "a", "query": "word " * 5000}]
    for most, limit, named in (
        (10**5, 4095, "the model's context of 4096"),
        (90, 90, "corpus.max_prompt_tokens"),
    ):
        with pytest.raises(
            InputError, match=rf"row 'a' is \d+ tokens long, {limit} are allowed by {named}\. Mend"
        ):
            read(tmp_path, long, max_prompt_tokens=most)
        with pytest.raises(
            InputError, match=rf"\(too long: 1; at most {limit} tokens are allowed by {named}\)"
        ):
            read(tmp_path, long, max_prompt_tokens=most, skip_bad_rows=True)


def test_a_query_is_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered, with_template = [], rendering.with_template

    def counted(tokenizer: Any, messages: Any, **options: bool) -> str:
        rendered.append(messages[0]["content"])
        return with_template(tokenizer, messages, **options)

    monkeypatch.setattr(rendering, "with_template", counted)
    corpus = read(tmp_path, [{"query": "Why?"}, {"query": "How?"}])
    assert sorted(rendered) == ["How?", "Why?"]
    policy = SimpleNamespace(tokenizer=LAYOUTS["gemma"].tokenizer())
    assert prompt_for(next(iter(corpus.queries)), policy, ForesightOptions()).ids  # type: ignore[arg-type]
    assert len(rendered) == 3


def test_a_model_without_any_end_is_refused_for_labelled_responses_alone(tmp_path: Path) -> None:
    rows = [{"query": "Why?", "response": "Because."}]
    endless = Layout(CHATML, (), {}, "")
    with pytest.raises(InputError, match="names no end of sequence"):
        read(tmp_path, rows, endless, method="sft")
    assert len(read(tmp_path, rows, endless).queries) == 1
    assert len(read(tmp_path, rows, method="spin").queries) == 1
