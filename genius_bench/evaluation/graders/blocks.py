"""How what a model wrote becomes a program.

1. The program is the last block that is complete: one that defines what is asked for, or else one that reads input and
   prints, by itself or with what it needs. (Where a block needs a complete one, it is an example of its use.) A sketch
   without a body counts only where nothing else is there.
2. With it come the blocks that it needs: they define a name that it uses and does not define (the nearest before it,
   else the next), or fill or change it from there on; and what these need in turn; in the order of the text.
3. Blocks count if their fence names Python or nothing; where none of these is complete, all do. A block that begins
   further in than its fence goes on with the one before it, which words interrupted, or quotes it.
4. Else, as in a text without fences, the program is what starts at a line of code and ends where Python does, or
   before last lines that do nothing: they are words.
"""

import re
from collections.abc import Sequence

from genius_bench.answers.thoughts import without_thoughts
from genius_bench.evaluation.graders.fences import PYTHON, Fenced, fenced_blocks
from genius_bench.evaluation.graders.pieces import Block

READING = frozenset(("input", "stdin", "__stdin__", "open", "fileinput", "read", "readline", "readlines"))
PRINTING = frozenset(("print", "write", "writelines", "stdout"))
FIRST_LINE = re.compile(
    r"(?:async def|def|class|import|from|if|for|while|try:|with) ?|@|print\(|[A-Za-z_][\w, ]*="
)
BEGINNING = re.compile(r"(?:async def|def|class|import|from) |@")
MAX_BLOCKS = 64
MAX_PARSES = 16
"""Of a text without fences. Both bound the time that a text takes, which else grows with the square of its length."""


def program(text: str, function: str | None) -> str | None:
    """The program in an answer: one that defines `function`, or (None) one that reads input and prints. None when
    there is none; where input should be read and no block does, the last block that does anything."""
    text = without_thoughts(text).lstrip("\ufeff\u200b").rstrip()
    fenced = fenced_blocks(text)
    named = [block for block in fenced if block.language in PYTHON]
    for chosen in (named, fenced):
        found = _complete_one(_whole_blocks(chosen[-MAX_BLOCKS:]), function)
        if found is not None:
            return found
    found = _unfenced(text, function)
    if found is not None or function is not None:
        return found
    blocks = [Block(block.text) for block in fenced[-MAX_BLOCKS:] if block.text] if fenced else [Block(text)]
    some = [block for block in blocks if fenced or block.statements]
    return next((block.text for block in reversed(some) if block.acts), some[-1].text if some else None)


def _whole_blocks(fenced: Sequence[Fenced]) -> list[Block]:
    blocks: list[Block] = []
    for one in fenced:
        inner = one.inner if blocks and not BEGINNING.match(one.text) else ""
        if inner and any(inner.strip() in block.text for block in blocks):
            continue
        longer = Block(f"{blocks[-1].text}\n{inner}".rstrip()) if inner else None
        if longer and (longer.statements or not blocks[-1].statements):
            blocks[-1] = longer
        else:
            blocks.append(Block(one.text))
    return blocks


def _complete_one(blocks: Sequence[Block], function: str | None) -> str | None:
    for number in sorted(range(len(blocks)), key=lambda number: (blocks[number].sketches(function), -number)):
        needed = _needed(blocks, number)
        others = [blocks[other] for other in needed if other != number]
        example = function is None and any(_complete([one], None) for one in others)
        if _complete([*others, blocks[number]], function) and not example:
            return "\n\n".join(blocks[other].text for other in needed)
    return None


def _complete(blocks: Sequence[Block], function: str | None) -> bool:
    """Whether the last of the blocks, with those before it, is what is asked for."""
    if function is not None:
        return blocks[-1].defines(function)
    mentioned = set().union(*(block.mentioned for block in blocks))
    return blocks[-1].acts and bool(mentioned & READING) and bool(mentioned & PRINTING)


def _needed(blocks: Sequence[Block], number: int) -> list[int]:
    """The block and those that it cannot do without."""
    found = {number}
    waiting = [number]
    while waiting:
        user = waiting.pop()
        for name in sorted(blocks[user].names[1]):
            for other in _makers(blocks, name, user, found) - found:
                found.add(other)
                waiting.append(other)
    return sorted(found)


def _makers(blocks: Sequence[Block], name: str, user: int, found: set[int]) -> set[int]:
    """Which blocks a name of one of them needs: its definition, and what changes it between there and its use."""
    makers = [other for other, block in enumerate(blocks) if name in block.names[0]]
    if not makers:
        return {other for other in range(user) if blocks[other].may_import(name)}
    known = found.intersection(makers)
    maker = max((other for other in known or makers if other < user), default=min(known or makers))
    return {maker, *(other for other in range(maker + 1, user) if name in blocks[other].changed)}


def _unfenced(text: str, function: str | None) -> str | None:
    """From the first line of code from which Python goes on to something complete; it ends at the first line that is
    none."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    lines[first:] = [line.removeprefix(indent) for line in lines[first:]]  # a prompt's last blank, often
    starts = [number for number, line in enumerate(lines) if FIRST_LINE.match(line)]
    parses = 0
    for start in starts:
        end = len(lines)
        while start < end and parses < MAX_PARSES:
            parses += 1
            block = Block("\n".join(lines[start:end]).rstrip())
            if isinstance(block.parsed, int):
                end = start + min(block.parsed, end - start) - 1
            elif _complete([block], function):
                return block.without_last_words
            else:
                break
    return None
