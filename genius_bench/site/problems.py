"""What could not be read: told in a line each, on the terminal and on the page, and left out."""

from collections.abc import Iterator
from contextlib import contextmanager

from genius_bench.errors import GeniusBenchError, first_line
from genius_bench.printing import note


class Problems:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        line = " ".join(line.split())
        if line not in self.lines:
            self.lines.append(line)
            note(f"left out: {line}")

    @contextmanager
    def skipping(self, what: str) -> Iterator[None]:
        """Whatever a damaged file may raise ends the block, not the build."""
        import pyarrow as pa

        damage = (
            GeniusBenchError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            pa.ArrowException,
        )
        try:
            yield
        except damage as error:
            said = first_line(error) if isinstance(error, GeniusBenchError) else repr(error)
            self.add(f"{what}: {said}")
