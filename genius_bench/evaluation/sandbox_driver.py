"""What runs inside the sandbox: executes untrusted code and reports the values of expressions, nothing else.

This file is sent as text to the sandbox's own Python (`python -I -c`), so it imports only the standard library and
nothing of this package. It is given one JSON object on standard input: `code`, `expressions`, `limits`. It prints one
JSON line per expression: [index, "value", literal] or [index, "error", kind]; index -1 stands for the code itself.

Nothing here needs to be trusted: the code under test shares this process and may print whatever lines it likes. It is
never told which values are expected, so it has to compute them; they are compared outside.
"""

import json
import os
import resource
import sys

MAX_DEPTH = 20
LIMITS = {
    "cpu_seconds": resource.RLIMIT_CPU,
    "memory_bytes": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_bytes": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
}


def literal(value: object, depth: int = 0) -> str:
    """A Python literal of plain built-in values; raises TypeError for anything else."""
    if depth > MAX_DEPTH:
        raise TypeError("nested too deeply")
    if value is None or value is True or value is False:
        return repr(value)
    for kind in (int, float, complex, str, bytes):
        if isinstance(value, kind):
            return kind.__repr__(value)
    if isinstance(value, dict):
        pairs = [f"{literal(key, depth + 1)}: {literal(item, depth + 1)}" for key, item in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        parts = ", ".join(literal(item, depth + 1) for item in value)
        if isinstance(value, list):
            return f"[{parts}]"
        if isinstance(value, tuple):
            return f"({parts},)" if parts else "()"
        return "{" + parts + "}" if parts else "set()"
    raise TypeError(type(value).__name__)


def main() -> None:
    job = json.load(sys.stdin)
    for name, limit in job["limits"].items():
        resource.setrlimit(LIMITS[name], (limit, limit))
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)

    def report(index: int, kind: str, value: str) -> None:
        channel.write(json.dumps([index, kind, value]) + "\n")
        channel.flush()

    namespace: dict[str, object] = {"__name__": "candidate"}
    try:
        exec(compile(job["code"], "candidate.py", "exec"), namespace)
    except BaseException as error:
        report(-1, "error", type(error).__name__)
    for index, expression in enumerate(job["expressions"]):
        try:
            report(index, "value", literal(eval(expression, namespace)))
        except BaseException as error:
            report(index, "error", type(error).__name__)
    os._exit(0)


if __name__ == "__main__":
    main()
