"""The system calls that programs in the sandbox may make: a filter for the kernel, in its own language.

Refused is what reaches out of the sandbox, and what keeps memory that no limit counts: a mapping that outlives its
address space, pages in a pipe, attributes, locks and watches without end. A pair of connected sockets is the only kind
of socket there is: `asyncio` and `multiprocessing` need no other, and every other leads somewhere or has a queue. (A
pool of two processes, with its threads, is more than the sandbox's limit of processes lets start.)
"""

import errno
import platform
import struct
from dataclasses import dataclass

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine → which of a call's two numbers is its own, and its audit number."""
NEWEST = 450
"""Later calls (of kernels after 6.0) have not been looked at: they do not exist, which every library is used to."""
ABSENT = -1

REFUSED = {
    # memory that is nobody's: no address space, or none any more
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "vmsplice": (278, 75),
    "splice": (275, 76),
    "tee": (276, 77),
    "sendfile": (40, 71),
    # lists that the kernel keeps for a program: attributes, watches, requests, keys, rules, memory policies
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "epoll_create": (213, ABSENT),
    "epoll_create1": (291, 20),
    "inotify_init": (253, ABSENT),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "io_setup": (206, 0),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "landlock_create_ruleset": (444, 444),
    "userfaultfd": (323, 282),
    "remap_file_pages": (216, 234),
    "modify_ldt": (154, ABSENT),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # other namespaces and file systems
    "unshare": (272, 97),
    "setns": (308, 268),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # sockets of every family, and what makes one of a pair into more, or its buffers larger
    "socket": (41, 198),
    "bind": (49, 200),
    "listen": (50, 201),
    "connect": (42, 203),
    "setsockopt": (54, 208),
}
"""Call → its numbers on x86_64 and aarch64; EPERM."""

CLONE3 = (435, 435)
"""Its flags lie in memory, where no filter can read them. Libraries take `clone` when it does not exist."""


@dataclass(frozen=True)
class Condition:
    """A call that is refused (EPERM) unless an argument, under a mask, is one of `values` (or, with `unless` false, if
    it is one)."""

    numbers: tuple[int, int]
    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    unless: bool = True


CONDITIONS = (
    Condition((53, 199), 0, (1,)),  # socketpair: AF_UNIX
    Condition(
        (53, 199), 1, (1,), mask=0xF
    ),  # socketpair: SOCK_STREAM (datagrams from others could be queued)
    Condition((56, 220), 0, (0,), mask=0x7E020000),  # clone: no new namespaces
    Condition(
        (9, 222), 3, (0x21,), mask=0x21, unless=False
    ),  # mmap: shared without a file, kept when unmapped
    Condition((28, 233), 2, (14, 25), unless=False),  # madvise: huge pages, kept when most of one is unmapped
    Condition((72, 25), 1, (6, 7, 37, 38), unless=False),  # fcntl: locks on ranges of bytes, as many as bytes
    Condition((72, 25), 1, (1024, 1026, 1031), unless=False),  # fcntl: leases, watches, larger pipes
)

LOAD, SKIP, EQUAL, GREATER, AND, ANSWER = 0x20, 0x05, 0x15, 0x25, 0x54, 0x06
ALLOW, NUMBER_AT, MACHINE_AT, ARGUMENTS_AT = 0x7FFF0000, 0, 4, 16
Line = tuple[int, int, int, int]
"""Operation, lines to skip if it holds, lines to skip if not, operand."""


def call_filter(machine: str = "") -> bytes | None:
    """The filter for a machine (this one), as `bwrap --seccomp` reads it; None where calls' numbers are not known."""
    known = MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    column, audit = known
    lines = [(LOAD, 0, 0, MACHINE_AT), (EQUAL, 1, 0, audit), _refuse(errno.EPERM)]
    lines += [(LOAD, 0, 0, NUMBER_AT), (GREATER, 0, 1, NEWEST), _refuse(errno.ENOSYS)]
    lines += [(EQUAL, 0, 1, CLONE3[column]), _refuse(errno.ENOSYS)]
    for numbers in REFUSED.values():
        if numbers[column] != ABSENT:
            lines += [(EQUAL, 0, 1, numbers[column]), _refuse(errno.EPERM)]
    for condition in CONDITIONS:
        lines += _checked(condition, column)
    return b"".join(struct.pack("=HBBI", *line) for line in [*lines, (ANSWER, 0, 0, ALLOW)])


def _refuse(number: int) -> Line:
    return ANSWER, 0, 0, 0x00050000 | number


def _checked(condition: Condition, column: int) -> list[Line]:
    """Reads the argument's lower half (the kernel takes no more of these), and the call's number back in the end."""
    count = len(condition.values)
    tests = [(EQUAL, count - position, 0, value) for position, value in enumerate(condition.values)]
    body = [(LOAD, 0, 0, ARGUMENTS_AT + 8 * condition.argument), (AND, 0, 0, condition.mask), *tests]
    if not condition.unless:
        body.append((SKIP, 0, 0, 1))  # none of them: over the refusal
    body += [_refuse(errno.EPERM), (LOAD, 0, 0, NUMBER_AT)]
    return [(EQUAL, 0, len(body), condition.numbers[column]), *body]
