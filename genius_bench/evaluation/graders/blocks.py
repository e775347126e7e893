"""How what a model wrote becomes a program.

1. The program is the last block that is complete: one that defines what is asked for, or else one that reads input and
   prints, by itself or with what it needs. (Where a block needs a complete one, it is an example of its use.)
2. With it come the blocks that it needs: they define a name that it uses and does not define (the nearest before it,
   else the next), and what these need in turn; in the order of the text.
3. Blocks count if their fence names Python or nothing; where none of these is complete, all do. A block that begins
   further in than its fence goes on with the one before it, which words interrupted, or quotes it.
4. Else, as in a text without fences, the program is what starts at a line of code and ends where Python does.
"""

import ast
import builtins
import re
import symtable
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from genius_bench.answers.thoughts import without_thoughts
from genius_bench.evaluation.graders.fences import PYTHON, Fenced, fenced_blocks

READING = frozenset(("input", "stdin", "__stdin__", "open", "fileinput", "read", "readline", "readlines"))
PRINTING = frozenset(("print", "write", "writelines", "stdout"))
FIRST_LINE = re.compile(
    r"(?:async def|def|class|import|from|if|for|while|try:|with) ?|@|print\(|[A-Za-z_][\w, ]*="
)
BEGINNING = re.compile(r"(?:async def|def|class|import|from) |@")
MAX_BLOCKS = 64
MAX_PARSES = 16
"""Of a text without fences. Both bound the time that a text takes, which else grows with the square of its length."""
DAMAGE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Block:
    """A piece of text that may be Python."""

    text: str

    @cached_property
    def parsed(self) -> ast.Module | int:
        """Its syntax tree, or the line (from 1) at which it is no longer Python."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text)
        except DAMAGE as error:
            return getattr(error, "lineno", None) or 1

    @property
    def statements(self) -> list[ast.stmt]:
        return [] if isinstance(self.parsed, int) else self.parsed.body

    @cached_property
    def names(self) -> tuple[frozenset[str], frozenset[str]]:
        """What its top level defines (by whatever statement), and what it uses without defining it."""
        try:
            top = symtable.symtable(self.text, "answer", "exec")
        except DAMAGE:
            return frozenset(), frozenset()
        defined = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
        return frozenset(defined), frozenset(_globals_used(top) - defined - set(dir(builtins)))

    @cached_property
    def stars(self) -> list[str]:
        """The modules that it imports all names from."""
        nodes = [node for statement in self.statements for node in ast.walk(statement)]
        imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        return [one.module or "" for one in imports if one.names[0].name == "*"]

    @cached_property
    def mentioned(self) -> set[str | None]:
        """All names and attributes."""
        nodes = (node for statement in self.statements for node in ast.walk(statement))
        return {getattr(node, "id", getattr(node, "attr", None)) for node in nodes}

    @cached_property
    def acts(self) -> bool:
        """Whether something is called when it runs, outside of functions and classes."""
        waiting: list[ast.AST] = [*self.statements]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Call):
                return True
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                waiting += ast.iter_child_nodes(node)
        return False

    def defines(self, function: str) -> bool:
        """Whether it defines the function, or a class `Solution` that has such a method."""
        classes = [node for node in self.statements if isinstance(node, ast.ClassDef)]
        methods = [node for one in classes if one.name == "Solution" for node in one.body]
        return function in self.names[0] or function in [getattr(node, "name", None) for node in methods]


def program(text: str, function: str | None) -> str | None:
    """The program in an answer: one that defines `function`, or (None) one that reads input and prints. None when
    there is none; where input should be read and no block does, the last block that does anything."""
    text = without_thoughts(text)
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
    for number in reversed(range(len(blocks))):
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
            makers = [other for other, block in enumerate(blocks) if name in block.names[0]]
            if makers and not found.intersection(makers):
                maker = max((other for other in makers if other < user), default=makers[0])
                found.add(maker)
                waiting.append(maker)
    return sorted(found)


def names_used(text: str) -> set[str]:
    """The names of the top level that code uses, wherever it uses them: its own and others'."""
    return _globals_used(symtable.symtable(text, "answer", "exec"))


def _globals_used(top: symtable.SymbolTable) -> set[str]:
    found: set[str] = set()
    scopes = [top]
    while scopes:
        scope = scopes.pop()
        used = [one for one in scope.get_symbols() if one.is_referenced()]
        found |= {one.get_name() for one in used if scope is top or one.is_global()}
        scopes += scope.get_children()
    return found


def _unfenced(text: str, function: str | None) -> str | None:
    """From the first line of code from which Python goes on to something complete; it ends at the first line that is
    none."""
    lines = text.replace("\r\n", "\n").split("\n")
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
                return block.text
            else:
                break
    return None
