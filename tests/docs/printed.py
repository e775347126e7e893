"""What the pages of the documentation print, page by page."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"(?P<mark><!-- tested -->\n)?^```(?P<kind>.*)\n(?P<text>(?:.*\n)*?)^```$", re.MULTILINE)


def to_run(page: Path) -> list[str]:
    """The blocks of commands that are marked as run by the tests, in their order."""
    found = FENCED.finditer(page.read_text(encoding="utf-8"))
    return [block["text"] for block in found if block["mark"]]


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line of genius-bench's in a block of the page, as words."""
    for block in FENCED.finditer(page.read_text(encoding="utf-8")):
        if block["kind"].strip():  # a file, not what is typed
            continue
        for line in block["text"].replace("\\\n", " ").splitlines():
            command = re.search(r"(?<![\w./-])genius-bench (?P<words>(?:--)?[a-z].*)", line)
            if command:
                words = shlex.split(command["words"].split(" #")[0].split("; done")[0], comments=True)
                yield [word for word in words if word not in ("…", "...")]
