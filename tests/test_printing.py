"""Nothing that a model, a server, a file or an option says reaches the terminal as anything but text."""

import ast
import contextlib
import io
import json
import random
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.progress import Progress

import genius_bench
from benchmarks.synthetic_home import Plan, plain_words, write_home
from genius_bench.cli import main
from genius_bench.integrity import seal
from genius_bench.printing import note, open_console, say, say_json, words
from genius_bench.progress import progress
from genius_bench.readable import readable, readable_json, readable_name

ATTACKS = (
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link",
    "\x9b31mred",
    "good\rbad",
    "a\b\b\x7fb",
    "\u202eturned\u2066",
    "\u061cmark\u200f",
    "line\u2028end\u2029",
    "\ufff9above\ufffb",
    "half \ud800",
    "wide \u200b\ufeff\u00ad\u2060\U000e0068\u3164",
    "[red]tag[/red] :warning: [link=http://evil]x[/link]",
)
NORMAL = "Grüße, 東京 한국어 שלום עולם สวัสดี नमस्ते ½ ∑ 👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 [1, 2] :)\n\tnext"
PAIRS = "\x1b[31mpairs\r\u202e.jsonl"
IGNORABLE = frozenset(
    (
        *(0xAD, 0x180E, 0x200B, *range(0x2060, 0x2070), 0x3164, 0xFEFF, 0xFFA0, *range(0xFFF0, 0xFFFC)),
        *(
            *range(0x1BCA0, 0x1BCA4),
            *range(0x1D173, 0x1D17B),
            *range(0xE0000, 0xE0100),
            *range(0xE01F0, 0xE1000),
        ),
    )
)
"""Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) but for joiners and variation selectors, and
interlinear annotations."""
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def harmless(text: str) -> bool:
    """By Unicode's own properties: no control, no change of direction, no half of a character."""
    return not any(
        (unicodedata.category(one) in UNSEEN and one not in "\n\t")
        or unicodedata.bidirectional(one) in TURNING
        or one in "\u200e\u200f\u061c"
        or ord(one) in IGNORABLE
        for one in text
    )


@given(st.text(alphabet=st.characters(codec=None, categories=None)))
@example("".join(ATTACKS))
@example("1\ud800\udc00")
@example("".join(map(chr, range(0x3000))))
def test_what_is_readable_is_harmless_and_the_rest_stays(text: str) -> None:
    shown = readable(text)
    assert harmless(shown)
    assert readable(shown) == shown
    kept = "".join(filter(harmless, text))
    assert readable(kept) == kept
    assert readable_name(shown) == readable_name(text) == readable_name(readable_name(text))
    assert not set("\n\t") & set(readable_name(text))
    # Two halves side by side are one character to JSON, whoever wrote them.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(readable_json(json.dumps(text, ensure_ascii=False))) == joined
    assert harmless(readable_json(json.dumps(text, ensure_ascii=False)))


def test_ordinary_text_of_every_script_stays_as_it_is() -> None:
    assert readable(NORMAL) == NORMAL
    name = " ".join(NORMAL.split()) + " می\u200cخواهم क्\u200dष 1\ufe0f\u20e3 葛\U000e0100 \u1112\u119e\u11ab"
    assert readable(name) == readable_name(name) == name


@pytest.mark.parametrize(
    "unseen",
    [
        "\n",
        "\t",
        "\u00ad",
        "\u200b",
        "\u2060",
        "\u3164",
        "\ufeff",
        "\U000e0061",
        "\u200c",
        "\u200d",
        "\ufe0f",
    ],
)
@pytest.mark.parametrize("name", ["lab{}", "{}lab", "la{}b", "la{0}{0}b"])
def test_names_that_differ_look_different(unseen: str, name: str) -> None:
    said = readable_name(name.format(unseen))
    assert said.replace("lab", "").replace("la", "").strip("b") != ""
    assert unseen not in said


def test_answers_keep_their_joiners() -> None:
    assert readable("a\u200db \u200c\n\t") == "a\u200db \u200c\n\t"
    assert readable("a\u200b\U000e0068") == "a⟨U+200B⟩⟨U+E0068⟩"


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_way_to_the_terminal(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(attack)
    note(attack)
    say_json({attack: attack})
    console = open_console()
    console.print(attack)
    console.print(words(attack))
    for one in capsys.readouterr():
        assert harmless(one)
    assert json.loads(json.dumps(attack)) == attack


def test_brackets_and_colons_are_no_styles(capsys: pytest.CaptureFixture[str]) -> None:
    open_console().print(ATTACKS[-1])
    assert capsys.readouterr().out.strip() == ATTACKS[-1]


def test_styles_and_bars_still_move_a_real_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is said is made readable, not how."""
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    console = open_console()
    assert console.is_terminal
    console.print(words("\x1b[31mname", style="bold"))
    with Progress(console=console) as bar:
        bar.update(bar.add_task("\x1b[31mtask", total=2), advance=1)
    assert "\x1b[1m␛[31mname" in out.getvalue()
    assert "\x1b[?25l" in out.getvalue()  # the cursor is hidden while a bar is drawn
    assert "\x1b[31m" not in out.getvalue()


def test_a_bar_shows_its_description_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    with progress("[red]\x1b[31m", 2, "answers") as advance:
        advance(1)
    assert "[red]␛[31m" in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()


def test_there_is_no_other_way() -> None:
    """Programs of their own, whose output is a protocol or nobody's terminal, aside."""
    package = Path(genius_bench.__file__).parent
    apart = {"printing.py", "progress.py", "evaluation/graders/workers.py", "evaluation/sandbox_driver.py"}
    ways = {"print", "typer.echo", "sys.stdout.write", "sys.stderr.write"}
    found = [
        f"{name}:{call.lineno}: use genius_bench.printing"
        for path in [*package.rglob("*.py"), *package.parent.joinpath("trainers").rglob("*.py")]
        if (name := str(path.relative_to(package.parent)).removeprefix("genius_bench/")) not in apart
        and not name.startswith("lab/")
        if (tree := ast.parse(path.read_text())) and (all_ways := ways | from_rich(tree))
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in all_ways
    ]
    assert found == []


def from_rich(tree: ast.Module) -> set[str]:
    """What a module has of rich: for annotations only."""
    imports = [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and one.module]
    return {name.name for one in imports if str(one.module).startswith("rich") for name in one.names}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In which every text is an attack."""
    home = tmp_path_factory.mktemp("home")
    stored = [attack for attack in ATTACKS if "\ud800" not in attack]

    def attacking(chance: random.Random, count: int) -> str:
        return f"{chance.choice(stored)} {plain_words(chance, 3)}"

    write_home(home, Plan(runs=3, tasks=2, items=12, samples=2, queries=3, words=attacking))
    pair = {"prompt": "1 + 1?", "chosen": "2", "rejected": "\x1b[31m3", "answer": "\x1b[2J2"}
    (home / PAIRS).write_text(json.dumps(pair) + "\n")
    for attack, path in zip(ATTACKS, sorted((home / "runs").glob("*.json")), strict=False):
        run = json.loads(path.read_text())
        run["base"] = f"owner/{attack}"
        run["recipe"]["variant"] = attack
        path.write_text(json.dumps(seal(run)))
    return home


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with contextlib.suppress(SystemExit):
        main([*arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return out + err


@pytest.mark.parametrize(
    "command",
    [
        ("board",),
        ("board", "--json"),
        ("board", "--cost"),
        ("inspect", PAIRS),
        ("explain", "\x1b[31mcell"),
        ("eval", "\x1b[31m/no/such/model\r"),
        ("train", "--set", "\x1b[31mno.such=1"),
        ("train", "--set", "model=\u202elab"),
        ("compare", "\x1b[31ma", "b\r"),
        ("\x1b[31mno-such-command",),
        ("board", "--\x1b[31mno-such-option"),
    ],
)
def test_commands_on_a_hostile_home(
    command: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = () if "no-such" in command[-1] else ("--home", str(home))
    said = printed(capsys, *(str(home / word) if word == PAIRS else word for word in command), *place)
    assert harmless(said)
    assert said.strip()


def test_answers_that_changed_are_shown_as_text(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(printed(capsys, "board", "--json", "--home", str(home)))
    names = [row["name"] for row in rows]
    assert any(re.search(r"[\x1b\x07]", name) for name in names), "the attack is in the home"
    said = printed(capsys, "compare", names[0], names[1], "--home", str(home))
    assert "gold:" in said
    assert harmless(said)


FORGED = "owner/base\n0-forged          99.9 [99.0, 99.9]\tx"


def test_a_name_makes_no_row_of_its_own(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_home(tmp_path, Plan(runs=2, tasks=2, items=12, samples=2, queries=3))
    for path in (tmp_path / "runs").glob("*.json"):
        run = json.loads(path.read_text())
        run["base"] = FORGED
        run["recipe"]["variant"] = "a\n0-forged 99.9"
        path.write_text(json.dumps(seal(run)))
    names = [row["name"] for row in json.loads(printed(capsys, "board", "--json", "--home", str(tmp_path)))]
    assert any("\n" in name for name in names), "the attack is in the home"
    for command in (["board"], ["board", "--cost"], ["compare", names[0], names[1]]):
        said = printed(capsys, *command, "--home", str(tmp_path))
        assert "␊0-forged" in "".join(said.split())
        assert "\n0-forged" not in said
