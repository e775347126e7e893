"""The filter of system calls, run by hand for both machines and by the kernel for this one."""

import errno
import platform
import re
import struct
from pathlib import Path

import pytest

from genius_bench.evaluation import sandbox
from genius_bench.evaluation.call_filter import ABSENT, CONDITIONS, MACHINES, REFUSED, call_filter

ALLOWED, EPERM, ENOSYS = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CALLS = {  # from the kernel's tables
    "x86_64": {
        "read": 0,
        "mmap": 9,
        "madvise": 28,
        "socketpair": 53,
        "clone": 56,
        "fcntl": 72,
        "openat": 257,
    },
    "aarch64": {
        "read": 63,
        "mmap": 222,
        "madvise": 233,
        "socketpair": 199,
        "clone": 220,
        "fcntl": 25,
        "openat": 56,
    },
}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def answer(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter says of a call, as the kernel would find out: line by line."""
    audit = MACHINES[machine][1] if audit is None else audit
    data = struct.pack("=IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    lines = list(struct.iter_unpack("=HBBI", call_filter(machine) or b""))
    value = position = 0
    while True:
        operation, if_so, if_not, operand = lines[position]
        position += 1
        if operation == 0x20:
            [value] = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            value &= operand
        elif operation == 0x05:
            position += operand
        elif operation == 0x06:
            return operand
        else:
            position += if_so if {0x15: value == operand, 0x25: value > operand}[operation] else if_not


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_are_told_apart(machine: str) -> None:
    calls = CALLS[machine]
    for name, numbers in REFUSED.items():
        number = numbers[MACHINES[machine][0]]
        assert number == ABSENT or answer(machine, number) == EPERM, name
    for name in ("read", "openat"):
        assert answer(machine, calls[name], 1, 2, 3, 4) == ALLOWED
    assert answer(machine, calls["read"], audit=0x40000003) == EPERM  # of another machine
    assert answer(machine, calls["read"] | 0x40000000) == ENOSYS  # of another convention
    assert answer(machine, 435) == answer(machine, 451) == answer(machine, 999) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        ("socketpair", (1, 1), True),
        ("socketpair", (1, 1 | 0x80000 | 0x800), True),
        ("socketpair", (1, 2), False),
        ("socketpair", (1, 5), False),
        ("socketpair", (30, 1), False),
        ("mmap", (0, 9, 3, 0x22), True),
        ("mmap", (0, 9, 3, 0x01), True),
        ("mmap", (0, 9, 3, 0x21), False),
        ("mmap", (0, 9, 3, 0x8021), False),
        ("clone", (0x3D0F00,), True),
        ("clone", (17,), True),
        ("clone", (0x10000000 | 17,), False),
        ("clone", (0x00020000,), False),
        ("madvise", (0, 9, 4), True),
        ("madvise", (0, 9, 14), False),
        ("madvise", (0, 9, 25), False),
        ("fcntl", (3, 1), True),
        ("fcntl", (3, 1030), True),
        *(("fcntl", (3, command), False) for command in (6, 7, 37, 38, 1024, 1026, 1031)),
    ],
)
def test_arguments_decide(machine: str, call: str, arguments: tuple[int, ...], allowed: bool) -> None:
    assert answer(machine, CALLS[machine][call], *arguments) == (ALLOWED if allowed else EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip("no kernel headers (linux-libc-dev)")
    defined = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\n", HEADERS[machine].read_text())
    column = MACHINES[machine][0]
    numbers = {name: int(number) for name, number in defined}
    assert {name: numbers.get(name, ABSENT) for name in REFUSED} == {
        name: pair[column] for name, pair in REFUSED.items()
    }
    conditional = [numbers[name] for name in ("socketpair", "clone", "mmap", "madvise", "fcntl")]
    assert list(dict.fromkeys(one.numbers[column] for one in CONDITIONS)) == conditional


@pytest.mark.skipif(sandbox.available() is not None, reason=str(sandbox.available()))
def test_the_kernel_uses_it() -> None:
    """The arguments are nonsense, which the kernel answers with another error wherever it is asked."""
    machine = platform.machine()
    column = MACHINES[machine][0]
    numbers = {name: pair[column] for name, pair in REFUSED.items() if pair[column] != ABSENT}
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def ask(number, *arguments):
    libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments or [-1] * 6))
    return ctypes.get_errno()
"""
    asked = [f"ask({number})" for number in numbers.values()]
    asked += [f"ask({CALLS[machine]['fcntl']}, -1, 6, 0)", "ask(435, -1, 0)", "ask(999)"]
    asked += [f"ask({CALLS[machine]['socketpair']}, {family}, 1, 0, 0)" for family in (1, 16, 30, 40)]
    [outcome] = sandbox.run([sandbox.Program(code, tuple(asked))])
    found = [int(outcome.results[index]) for index in range(len(asked))]
    assert dict(zip(numbers, found, strict=False)) == dict.fromkeys(numbers, errno.EPERM)
    assert found[len(numbers) :] == [
        *(errno.EPERM, errno.ENOSYS, errno.ENOSYS),
        *(errno.EFAULT, errno.EPERM, errno.EPERM, errno.EPERM),
    ]


def test_a_machine_whose_calls_are_not_known_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_filter("riscv64") is None
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    sandbox.available.cache_clear()
    try:
        assert "riscv64" in (sandbox.available() or "") or "apt install" in (sandbox.available() or "")
    finally:
        sandbox.available.cache_clear()
