"""Which blocks of an answer become the program: answers as chat models write them, and what has to come out."""

import time

import pytest

from genius_bench.evaluation.graders.blocks import program
from genius_bench.evaluation.graders.fences import fenced_blocks

F = "def f(x):\n    return g(x) + 1"
G = "def g(x):\n    return 2 * x"
READS = "n = int(input())\nprint(n + 1)"


def fenced(code: str, language: str = "python", fence: str = "```") -> str:
    return f"{fence}{language}\n{code}\n{fence}"


def indented(text: str, indent: str) -> str:
    return "\n".join(indent + line for line in text.split("\n"))


@pytest.mark.parametrize(
    "answer",
    [
        f"1. Write it:\n\n{indented(fenced(F), '   ')}\n2. Done.",
        f"- So:\n{indented(fenced(F), chr(9))}",
        indented(f"Quoted:\n{fenced(F)}", "> "),
        indented(fenced(F), "> > "),
        f"1. {fenced(F)}",
        "- > " + indented(fenced(F), "  > ")[4:],
        f"The code is ```python\n{F}\n```",
        f"```python\n{F}```",
        fenced(F, fence="~~~"),
        fenced(F, "python3", fence="````"),
        fenced(F, "{.python}"),
        fenced(F, 'python title="f.py"'),
        fenced(F).replace("\n", "\r\n"),
        f"```python\n{F}\n\nThis function doubles and adds one.",
        f"{fenced(F)}\n```bash\npip install numpy\n```\n```text\nf = 3\n```\n```\n7\n```",
        f"{fenced(F)}\nExample usage:\n{fenced('print(f(int(input())))')}",
        f"{fenced(F)}\nOutput:\n```\nf(3) is 7\n```",
        f"{fenced('def f(x): return 0')}\nAlternatively:\n{fenced(F)}",
        f"<think>\n{fenced('def f(x): return 0')}\n</think>\n{fenced(F)}",
        f"{fenced(F)}\n<think>\n{fenced('def f(x): return 0')}",
        f"I use `x` and ```x``` here.\n{fenced(F)}",
        f"Sure! From the start:\nfrom here on it is easy.\n{F}\n\nIt adds one.",
        f"{fenced(F, 'text')}",
    ],
)
def test_one_block_is_found(answer: str) -> None:
    assert program(answer, "f") == F


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (f"{fenced(G)}\nand\n{fenced(F)}", [G, F]),
        (f"{fenced(F)}\nwhere\n{fenced(G)}", [F, G]),
        (f"{fenced('import math')}\n{fenced('def f(x): return math.floor(x)')}", None),
        (f"{fenced('class P: pass')}\n{fenced('def f(x): return P()')}\n{fenced('print(f(1))')}", None),
        (f"{fenced('def g(x): return 0')}\n{fenced(G)}\n{fenced(F)}\n{fenced('print(f(2))')}", [G, F]),
        (f"{fenced('def h(x): return 0')}\n{fenced(G)}\n{fenced(F)}", [G, F]),
    ],
)
def test_blocks_that_are_needed_come_along(answer: str, parts: list[str] | None) -> None:
    found = program(answer, "f")
    parts = parts or [block.text for block in fenced_blocks(answer)][:2]
    assert found == "\n\n".join(parts)


FILLED = ["T = [1]", "for i in range(1, 9):\n    T.append(T[-1] + 2)", "def f(x):\n    return T[x]"]


@pytest.mark.parametrize(
    ("parts", "dropped"),
    [
        (FILLED, []),
        ([FILLED[0], "T[0] = 3", FILLED[2]], []),
        ([FILLED[0], "T += [3]", FILLED[2]], []),
        ([FILLED[0], "T = sorted(T)", FILLED[2]], []),
        ([FILLED[0], "for i in (2, 3):\n    T = T + [i]", FILLED[2]], []),
        ([FILLED[0], "import random\nrandom.shuffle(T)", FILLED[2]], []),
        ([FILLED[0], "def fill(into):\n    into[0] = 2", "fill(T)", FILLED[2]], []),
        (["class N:\n    k = 1", "N.k = 2", "def f(x):\n    return N.k"], []),
        (FILLED, ["T = [0]", "T.append(2)"]),
        ([FILLED[0], FILLED[2]], ["U = []\nU.append(3)"]),
        ([FILLED[0], FILLED[2]], ["T = []\nfor i in range(9):\n    T.append(i)"]),
        (["T = [1]\nT.append(3)\n\ndef f(x):\n    return T[x]"], ["T = [0]"]),
        ([FILLED[0], "import random\nrandom.shuffle(T)", FILLED[2]], ["import random"]),
        (["from math import *", "def f(x):\n    return floor(x)"], []),
        (["from math import *", "def f(x):\n    return floor(x)"], ["from solution import *"]),
        (["def g(x):\n    return x", F], ["from solution import g\nassert g(1) == 1"]),
    ],
)
def test_what_fills_a_name_comes_along(parts: list[str], dropped: list[str]) -> None:
    answer = "\nthen\n".join(fenced(code) for code in [*dropped, *parts])
    assert program(answer, "f") == "\n\n".join(parts)


def test_what_only_looks_at_a_name_or_comes_after_its_use_stays_away() -> None:
    answer = "\nthen\n".join(map(fenced, [FILLED[0], "print(T)", *FILLED[1:], "T.clear()"]))
    assert program(answer, "f") == "\n\n".join(FILLED)


@pytest.mark.parametrize(
    "later",
    [
        "from solution import f\nassert f(1) == 3",
        "from __main__ import f\nassert f(1) == 3",
        "import pytest\nfrom my.module import f\n\ndef test_f():\n    assert f(1) == 3",
        "import unittest\nfrom m import f\nclass T(unittest.TestCase):\n    def test(self):\n        f(1)",
        "def f(x): ...",
        "def f(x):\n    pass",
        'def f(x):\n    """Adds one."""',
        "def f(x):\n    # your code here\n    pass",
        "def f(x):\n    raise NotImplementedError('to do')",
        "def f(x):\n    return",
        "class Solution:\n    def f(self, x):\n        pass",
        "f = f(3)",
    ],
)
def test_a_test_or_a_sketch_is_no_solution(later: str) -> None:
    code = "def f(x):\n    return x"
    assert program(f"{fenced(code)}\nFor example:\n{fenced(later)}", "f") == code


@pytest.mark.parametrize(
    "code",
    [
        *("def f(x):\n    pass", "def f(x):\n    return 0", "def f():\n    return None"),
        f"def f(x):\n    raise {'x + ' * 1900}x",
    ],
)
def test_a_short_function_is_a_solution(code: str) -> None:
    assert program(fenced(code), "f") == code
    draft = "print(1)" if "pass" in code else "def f(x):\n    return x"
    assert program(f"{fenced(draft)}\nRather:\n{fenced(code)}", "f") == code


WHOLE = "def f(x):\n    y = x\n    return y"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (f" {WHOLE}", "def f(x):\n   y = x\n   return y"),
        (f"\n\n{indented(WHOLE, '  ')}\n", WHOLE),
        (f"\ufeff{WHOLE}", WHOLE),
        (f"\ufeff{fenced(WHOLE)}", WHOLE),
        *((WHOLE + end, WHOLE) for end in ("<|im_end|>", "\n<|endoftext|>\n", "</s>", "<eos></s>")),
        (f"```python\n{WHOLE}\n<|eot_id|>", WHOLE),
        (f"{fenced(WHOLE)}<end_of_turn>\n", WHOLE),
    ],
)
def test_what_stands_around_a_text_is_no_code(answer: str, expected: str) -> None:
    assert program(answer, "f") == expected


@pytest.mark.parametrize(
    "words",
    ["Explanation: trivial", "Complexity: O(1)", "Explanation", "[DONE]", "END\n\nDone", "well - done"],
)
def test_last_words_that_are_python_are_no_code(words: str) -> None:
    assert program(f"{READS}\n\n{words}", None) == READS
    assert program(f"{READS}\n{words}\nThis adds one.", None) == READS
    assert program(f" {READS}", None) == READS


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    from m import f\nexcept ImportError:\n    def f(x): return x",
        "if True:\n    def f(x): return x",
        "f: object = lambda x: x",
        "from math import gcd as f",
        "class f:\n    pass",
        "def g(): pass\nf = g",
        "for f in [abs]: pass",
        "with open('x') as f: pass",
        "(f := abs)",
        "a, (f, *b) = 1, (2, 3)",
        "async def f(): pass",
    ],
)
def test_every_way_to_define_a_name_counts(code: str) -> None:
    assert program(fenced(code), "f") == code
    assert program(fenced(code), "other") is None


@pytest.mark.parametrize(
    "code", ["def g():\n    f = 1", "class A:\n    def f(self): pass", "x.f = 1", "print(f)"]
)
def test_other_mentions_do_not(code: str) -> None:
    assert program(fenced(code), "f") is None


MAIN = "def main():\n    print(int(input()) + 1)"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (f"{fenced(READS)}\nExample:\n{fenced('print(n)')}", READS),
        (f"{fenced(READS)}\nInput:\n```\n5\n```\nOutput:\n```\n6\n```", READS),
        (f"{fenced(READS)}\nRun it:\n```bash\npython a.py < in\n```", READS),
        (f"{fenced('print(input())')}\nBetter:\n{fenced(READS)}", READS),
        (f"{fenced(MAIN)}\nCall it:\n{fenced('main()')}", f"{MAIN}\n\nmain()"),
        (f"{fenced(G)}\n{fenced('print(g(int(input())))')}", f"{G}\n\nprint(g(int(input())))"),
        (
            f"{fenced('import sys')}\n{fenced('print(len(sys.stdin.read()))')}",
            "import sys\n\nprint(len(sys.stdin.read()))",
        ),
        (f"Here is the code.\n{READS}\nIt adds one.", READS),
        (f"```python\n{READS}\n\nIt adds one.", READS),
        (fenced("int main() { return 0; }", "cpp"), "int main() { return 0; }"),
    ],
)
def test_a_program_reads_and_prints(answer: str, expected: str) -> None:
    assert program(answer, None) == expected


def test_a_solution_is_a_class_with_the_method() -> None:
    code = "class Solution:\n    def f(self, x):\n        return x"
    assert program(f"{fenced(code)}\n{fenced('print(Solution().f(1))')}", "f") == code
    assert program(fenced(code), "g") is None


def test_what_looks_like_a_quote_within_code_stays() -> None:
    code = "def f(x):\n    if x > -5:\n        return x"
    assert program(f"> ```python\n{code}\n```", "f") == code
    assert program(indented(fenced(code), "> "), "f") == code
    tested = 'def f(x):\n    """\n>>> f(1)\n    """\n    return x'
    assert program(fenced(tested), "f") == tested


def test_a_function_that_words_interrupt_is_whole() -> None:
    first, second = "def f(x):\n    try:\n        y = x + 1", "    finally:\n        pass\n    return y"
    assert program(f"{fenced(first)}\nand then\n{fenced(second)}", "f") == f"{first}\n{second}"
    assert program(f"{fenced(F)}\nHere\n{fenced('    return g(x) + 1')}\nadds one.", "f") == F
    assert program(f"{fenced('def f(x):')}\n{fenced('    return 1')}\n{fenced('    print(f(1))')}", "f") == (
        "def f(x):\n    return 1\n    print(f(1))"
    )


def test_white_space_within_a_block_stays() -> None:
    code = 'def f(x):\n    return """a\n \t\nb"""\n\t\nf(1)'
    assert program(fenced(code), "f") == code
    quoting = "def f(x):\n    # ```\n    return x"
    assert program(fenced(quoting), "f") == quoting
    assert program(f"1. So\n{indented(fenced(F), chr(9))}", "f") == F


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n" * 3000 + "this is prose here\n" * 3000,
        "def f(x):\n" + "    y = 1\n" * 3000 + "this is prose here\n" * 3000,
        "from it came the one\n" * 3000,
        "def f(x): (\n" * 3000,
        fenced("def g(): f()") * 3000,
        "".join(fenced(f"def g{n}(): g{n + 1}()") + "\n" for n in range(3000)),
        "`" * 90_000 + "a" * 90_000 + "`",
        "~~~ " * 50_000,
        "> " * 90_000 + "```",
        "(" * 200_000,
    ],
)
def test_long_answers_do_not_hold_the_grader_up(text: str) -> None:
    """Seconds of the processor's time: what grew with the square of the length took minutes."""
    started = time.process_time()
    program(text, "f")
    program(text, None)
    assert time.process_time() - started < 20


@pytest.mark.parametrize("opening", ["", "> ", "> ```\n", "> ```\n> "])
def test_a_long_line_of_white_space_costs_no_time(opening: str) -> None:
    started = time.thread_time()
    for blank in (" ", "\t", " \t"):
        program(opening + blank * 90_000 + "x", "f")
    assert time.thread_time() - started < 0.6
