"""What runs inside the sandbox: executes untrusted code and reports what came of it, nothing else.

This file is sent as text to the sandbox's own Python (`python -c`), so it imports only the standard library and nothing
of this package, and of that little: to import it is most of what a short program takes. Standard input is one line,
the job as a Python literal; for a script one more line for each input, a literal string. Results are printed as lines
of JSON: [index, "value", text] or [index, "error", kind]; index -1 stands for the code. The first line,
[-1, "ready", ""], says that the sandbox stands: without it the machine is at fault, not the program.

Nothing here needs to be trusted: the code under test shares this process and may print whatever lines it likes. It is
never told which results are expected, so it has to compute them; they are compared outside.
"""

from __future__ import annotations

import os
import resource
import sys
from _collections_abc import ItemsView, Iterator, KeysView
from _json import encode_basestring_ascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, TextIO

    Report = Callable[[int, str, str], None]

MAX_DEPTH = 20
DIGITS = 50_000
"""Of an integer that is read or written, as in LiveCodeBench; Python's own limit is 4,300."""
ITEMS, ITEMS_TEXT = 10_000, 32_768
"""Of an iterator, and of their text together: more are not asked for."""
END = object()
LIMITS = {
    "cpu_seconds": resource.RLIMIT_CPU,
    "memory_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "signals": getattr(resource, "RLIMIT_SIGPENDING", 11),
}
NAMED: tuple[tuple[str, str, Callable[[Any], object]], ...] = (
    ("collections", "Counter", dict),
    ("collections", "OrderedDict", lambda value: list(value.items())),
    ("collections", "deque", list),
    ("decimal", "Decimal", str),
    ("fractions", "Fraction", str),
)
"""Types that are equal to others in ways of their own: module, name, and what they are made from."""


def literal(value: object, depth: int = 0) -> str:
    """A Python expression for a value: of plain built-in types or one of `NAMED` as it is, others by a stand-in."""
    if depth > MAX_DEPTH:
        raise TypeError("nested too deeply")
    if value is None or value is True or value is False:
        return repr(value)
    for kind in (int, float, complex, str, bytes, bytearray, range):
        if isinstance(value, kind):
            return kind.__repr__(value)
    for home, name, parts in NAMED:
        named = getattr(sys.modules.get(home), name, None)
        if isinstance(named, type) and isinstance(value, named):
            return f"{name}({literal(parts(value), depth + 1)})"
    if isinstance(value, dict):
        pairs = [f"{literal(key, depth + 1)}: {literal(item, depth + 1)}" for key, item in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple | set | frozenset | KeysView | ItemsView):
        items = ", ".join(literal(item, depth + 1) for item in value)
        if isinstance(value, list):
            return f"[{items}]"
        if isinstance(value, tuple):
            return f"({items},)" if items else "()"
        return "{" + items + "}" if items else "set()"
    return generated(value, depth) if isinstance(value, Iterator) else thing(value, depth)


def generated(value: Iterator[object], depth: int) -> str:
    """The items that an iterator gives: all, or the first if there are many or one of them fails."""
    items: list[str] = []
    room, ended = ITEMS_TEXT, False
    try:
        while room > 0 and len(items) < ITEMS and not ended:
            item = next(value, END)
            ended = item is END
            if not ended:
                items.append(literal(item, depth + 1))
                room -= len(items[-1])
    except Exception:
        ended = False
    return f"_generated([{', '.join(items)}], {ended})"


def thing(value: object, depth: int) -> str:
    """An object of which no more is told than whether it is true, if its class has no own idea of that."""
    if isinstance(value, type({}.values())):
        return f"_thing({bool(value)}, {literal(list(value), depth + 1)})"
    for kind in type(value).__mro__:
        for name in ("__bool__", "__len__"):
            if isinstance(vars(kind).get(name), type(thing)):
                raise TypeError(type(value).__name__)
    return f"_thing({bool(value)})"


def plain(value: Any, depth: int = 0) -> Any:
    """A function's result as JSON can hold it: a tuple counts as a list, but inside of something it stays apart."""
    if depth > MAX_DEPTH:
        raise TypeError("nested too deeply")
    if value is None or value is True or value is False:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list | tuple):
        parts = [plain(item, depth + 1) for item in value]
        return {"tuple": parts} if depth and isinstance(value, tuple) else parts
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    raise TypeError(type(value).__name__)


def main() -> None:
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    source = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)

    def report(index: int, kind: str, text: str) -> None:
        channel.write(f'[{index}, "{kind}", {encode_basestring_ascii(text)}]\n')
        channel.flush()

    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(DIGITS)
    report(-1, "ready", "")
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))  # 0 would let the kernel hand dumps to a program
    job = eval(source.readline(), {})
    if "expressions" in job:
        source.close()
        evaluate(job, report)
    else:
        run_each(job, source, channel, report)
    os._exit(0)


def limit(limits: dict[str, int]) -> None:
    for name, amount in limits.items():
        resource.setrlimit(LIMITS[name], (amount, amount))


def module(name: str) -> dict[str, Any]:
    """The namespace of a new module that is registered like an imported one."""
    made = sys.modules[name] = type(sys)(name)
    return made.__dict__


def evaluate(job: dict[str, Any], report: Report) -> None:
    """Executes the code, then the setup, and reports the value of each expression after them."""
    limit(job["limits"])
    namespace = module("candidate")
    for part in ("code", "setup"):
        try:
            exec(compile(job[part], f"{part}.py", "exec"), namespace)
        except BaseException as error:
            report(-1, "error", type(error).__name__)
    for index, expression in enumerate(job["expressions"]):
        try:
            report(index, "value", literal(eval(expression, namespace)))
        except BaseException as error:
            report(index, "error", type(error).__name__)


def run_each(job: dict[str, Any], inputs: TextIO, channel: TextIO, report: Report) -> None:
    """Runs the code in a process of its own on each input, until one run goes wrong."""
    from tempfile import TemporaryFile  # costs milliseconds that only scripts need

    cpu_seconds = job["limits"].pop("cpu_seconds")  # for each run, not for all
    limit(job["limits"])
    exec(job["prelude"], {})  # what is imported here is there in every run
    for index, line in enumerate(inputs):
        text = eval(line, {})
        with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
            given.write(text.encode())
            given.seek(0)
            child = os.fork()
            if child == 0:
                channel.close()
                inputs.close()
                limit({"cpu_seconds": cpu_seconds})
                os.dup2(errors.fileno(), 2)
                try:
                    if job["function"] is None:
                        read_and_print(job, given, output)
                    else:
                        call(job, text, output)
                except SystemExit:
                    pass
                sys.exit(0)  # by way of the interpreter's end: threads are waited for, buffers written
            problem = wait(child, job["test_seconds"], errors)
            if problem:
                return report(index, "error", problem)
            output.seek(0)
            report(index, "value", output.read().decode(errors="replace"))
    return None


def read_and_print(job: dict[str, Any], given: BinaryIO, output: BinaryIO) -> None:
    """Runs the code as a program whose standard input and output are these files."""
    os.dup2(given.fileno(), 0)
    os.dup2(output.fileno(), 1)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    namespace = module("__main__")
    exec(job["prelude"], namespace)
    exec(compile(job["code"], "candidate.py", "exec"), namespace)


def call(job: dict[str, Any], text: str, output: BinaryIO) -> None:
    """Calls the function (of a class Solution where there is one) on the text's lines, each a JSON argument."""
    import json

    namespace = module("candidate")
    exec(job["prelude"], namespace)
    exec(compile(job["code"], "candidate.py", "exec"), namespace)
    owner = namespace.get("Solution")
    function = getattr(owner(), job["function"]) if owner else namespace[job["function"]]
    result = function(*[json.loads(line) for line in text.split("\n") if line.strip()])
    output.write(json.dumps(plain(result)).encode())
    output.flush()


def wait(child: int, seconds: float, errors: BinaryIO) -> str | None:
    """What went wrong with the process, None if nothing; it is killed after so many seconds."""
    import select
    import signal

    with open(os.pidfd_open(child), "rb", buffering=0) as ended:
        in_time = bool(select.select([ended], [], [], seconds)[0])
    if not in_time:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "timeout"
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        return f"killed ({signal.strsignal(-code)})"
    errors.seek(0)
    told = errors.read().decode(errors="replace").strip()[-500:].splitlines()
    return (told[-1] if told else f"exit code {code}") if code else None


if __name__ == "__main__":
    main()
