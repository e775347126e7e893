"""A chat template is a program of whoever made the model: it is tried once under limits before it is used."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from string import printable
from typing import Any

from genius_bench.errors import InputError
from genius_bench.rows import Message

CPU_SECONDS = 2
"""Of processor time, so that a busy machine makes no difference; templates in use take milliseconds."""
PATIENCE_SECONDS = 120.0
"""Of clock time: a child that does nothing at all is given up."""
MEMORY_BYTES = 256 << 20
"""Beyond what the process holds."""
MOST_CHARACTERS = 1 << 20
LONG = "word " * 4000
"""A question long enough for a template that goes over all of it, for every letter of it, to be noticed."""
VARIED = f"{printable} <b>&amp;</b> def f(x): return [x] äöü 数学 😀 https://example.org"
"""One of every usual character, for a template that does something else where it finds one."""
FINE, TOO_LARGE = 0, 3

_problems: dict[str, str | None] = {}
"""By template: what was tried in this process is not tried again."""


def check_template(tokenizer: Any, place: Path | str) -> None:
    """Raises `InputError` where the template in `place` takes too long, too much memory, or writes too much."""
    template = str(tokenizer.chat_template)
    if template not in _problems:
        _problems[template] = _problem(tokenizer)
    if problem := _problems[template]:
        raise InputError(
            f"the chat template of {place} cannot be used: for a short conversation it {problem}"
        )


def _problem(tokenizer: Any) -> str | None:
    # A fork takes milliseconds where a new interpreter would import transformers for seconds. The child touches no
    # device: it renders text and is gone.
    child = os.fork()
    if child == 0:
        status = TOO_LARGE
        try:
            _limit()
            status = max(_try(tokenizer, talk) for talk in _conversations())
        finally:
            os._exit(status)
    status = _wait(child)
    if os.WIFSIGNALED(status):
        return f"takes more than {CPU_SECONDS} seconds"
    if os.WEXITSTATUS(status) != FINE:
        return f"takes more than {MEMORY_BYTES >> 20} MiB or writes more than {MOST_CHARACTERS} characters"
    return None


def _wait(child: int) -> int:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _limit() -> None:
    limits = {resource.RLIMIT_CPU: CPU_SECONDS, resource.RLIMIT_CORE: 0}
    held = Path("/proc/self/statm")
    if held.exists():  # Linux: elsewhere nobody tells, or keeps to the limit
        pages = int(held.read_text(encoding="ascii").split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + MEMORY_BYTES
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _conversations() -> Iterator[list[Message]]:
    system, question = Message(role="system", content="Be brief."), Message(role="user", content="Why?")
    answer = Message(role="assistant", content="Because.")
    yield [question]
    yield [system, question]
    yield [question, answer]
    yield [question, answer, question]
    yield [system, *[question, answer] * 8, question]
    yield [system, *[question, answer] * 40, question]
    yield [Message(role="user", content=VARIED)]
    yield [Message(role="user", content=LONG)]


def _try(tokenizer: Any, messages: list[Message]) -> int:
    for prompted in (True, False):
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompted)
        except MemoryError:
            return TOO_LARGE
        except Exception:  # what a template refuses is told by the row that it refuses
            continue
        if len(text) > MOST_CHARACTERS:
            return TOO_LARGE
    return FINE
