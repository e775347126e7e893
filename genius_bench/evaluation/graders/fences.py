"""The blocks of code in a text: what stands between fences.

A fence is three or more backticks or tildes: indented, quoted, in a list or (backticks) after words on a line. One with
a language's name always opens a block, so that a forgotten end does no harm; a longer one holds shorter ones.
"""

import re
from dataclasses import dataclass, field

QUOTE = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?>(?:[ \t]*>)* ?")
LIST = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?")
PYTHON = ("", "python", "python3", "py", "py3")
"""What a fence names for Python."""


@dataclass
class Fenced:
    """A block: the language that its fence names (lower case, "" for none), its lines as they were written, and what
    stands before its fence."""

    language: str
    indent: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Without the indentation that all lines share: that of the list that the block stands in."""
        indents = [line[: len(line) - len(line.lstrip())] for line in self.lines if line.strip()]
        margin = min(indents, default="")
        margin = (
            margin if max(indents, default="").startswith(margin) else ""
        )  # what tabs and blanks share is nothing
        return "\n".join(line.removeprefix(margin) for line in self.lines).strip("\n")

    @property
    def inner(self) -> str:
        """The text where it begins further in than its fence, as the middle of something does; else empty."""
        text = "\n".join(line.removeprefix(self.indent) for line in self.lines)
        return text if text.lstrip("\n").startswith((" ", "\t")) else ""


@dataclass(frozen=True)
class _Fence:
    before: str
    marks: str
    info: str

    @property
    def alone(self) -> bool:
        return LIST.fullmatch(self.before) is not None

    @property
    def language(self) -> str:
        return re.split(r"[^a-z0-9+#]", self.info.strip("{. ").lower(), maxsplit=1)[0]

    @property
    def names_language(self) -> bool:
        return bool(self.language) and (self.language in PYTHON or len(self.info.split()) == 1)

    def opens(self) -> bool:
        return self.alone or (self.marks[0] == "`" and self.language in PYTHON)

    def closes(self, opener: "_Fence") -> bool:
        return self.marks.startswith(opener.marks) and not self.before.lstrip().startswith("#")


def fenced_blocks(text: str) -> list[Fenced]:
    """All blocks, in the order of the text; the end of the text closes the last one."""
    blocks: list[Fenced] = []
    opener: _Fence | None = None
    quoted = False
    for line in text.replace("\r\n", "\n").split("\n"):
        mark = QUOTE.match(line) if quoted or opener is None else None
        plain = line[mark.end() :] if mark else line
        fence = _fence_in(plain)
        if opener is None:
            if fence and fence.opens():
                opener, quoted = fence, plain != line
                blocks.append(Fenced(fence.language, fence.before if fence.before.isspace() else ""))
        elif fence is None or not fence.closes(opener):
            blocks[-1].lines.append(plain)
        elif fence.alone and fence.names_language:
            opener = fence
            blocks.append(Fenced(fence.language, fence.before))
        elif fence.alone or not fence.info:
            if not fence.alone:
                blocks[-1].lines.append(fence.before)
            opener = None
            quoted = False
        else:
            blocks[-1].lines.append(plain)
    return blocks


def _fence_in(line: str) -> _Fence | None:
    """The first fence of a line, if nothing but words follows."""
    starts = [start for start in (line.find("```"), line.find("~~~")) if start >= 0]
    if not starts:
        return None
    start = min(starts)
    rest = line[start:].lstrip(line[start])
    marks = line[start : len(line) - len(rest)]
    if "`" in rest or (marks[0] == "~" and not LIST.fullmatch(line[:start])):
        return None
    return _Fence(line[:start], marks, rest.strip())
