"""Filters of system calls, run by a small machine of their own: what they refuse on each architecture."""

from __future__ import annotations

import struct

import pytest

from lutsmith.hardware.tools.system_calls import program_filter, tool_filter

ALLOWED, REFUSED, MISSING, KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
NUMBERS = {
    "x86_64": {
        "read": 0, "write": 1, "mmap": 9, "execve": 59, "exit_group": 231, "socket": 41, "connect": 42, "openat": 257,
        "clone": 56, "clone3": 435, "kill": 62, "tgkill": 234, "io_uring_setup": 425, "prlimit64": 302, "unlinkat": 263,
        "openat2": 437, "ptrace": 101, "execveat": 322,
    },
    "aarch64": {
        "read": 63, "write": 64, "mmap": 222, "execve": 221, "exit_group": 94, "socket": 198, "connect": 203,
        "openat": 56, "clone": 220, "clone3": 435, "kill": 129, "tgkill": 131, "io_uring_setup": 425, "prlimit64": 261,
        "unlinkat": 35, "openat2": 437, "ptrace": 117, "execveat": 281,
    },
}  # fmt: skip
NAMES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def answer(code: bytes, machine: str, call: str | int, *arguments: int, name: int | None = None) -> int:
    """What a filter answers; the machine is that of linux/filter.h, as far as filters use it."""
    number = NUMBERS[machine][call] if isinstance(call, str) else call
    data = struct.pack(
        "<iIQ6Q", number, NAMES[machine] if name is None else name, 0, *arguments, *[0] * (6 - len(arguments))
    )
    steps = list(struct.iter_unpack("=HBBI", code))
    place, value = 0, 0
    while True:
        operation, yes, no, constant = steps[place]
        place += 1
        if operation == 0x06:
            return int(constant)
        if operation == 0x20:
            (value,) = struct.unpack_from("<I", data, constant)
            continue
        tests = {0x15: value == constant, 0x25: value > constant, 0x35: value >= constant, 0x45: value & constant}
        place += yes if tests[operation] else no


@pytest.mark.parametrize("machine", NUMBERS)
@pytest.mark.parametrize("threads", [False, True])
def test_a_program_computes_reads_and_writes_what_is_open_and_nothing_else(machine: str, threads: bool) -> None:
    code = program_filter(machine, 77, threads=threads)
    for call in ("read", "write", "mmap", "execve", "exit_group"):
        assert answer(code, machine, call) == ALLOWED
    for call in ("socket", "connect", "kill", "io_uring_setup", "unlinkat", "ptrace"):
        assert answer(code, machine, call) == REFUSED
    assert answer(code, machine, "openat", 3, 0, 0o2000000) == ALLOWED  # O_RDONLY, O_CLOEXEC
    for flags in (1, 2, 0o100, 0o1000, 0o2000001):
        assert answer(code, machine, "openat", 3, 0, flags) == REFUSED
    for call in ("openat2", "clone3"):
        assert answer(code, machine, call) == MISSING
    assert answer(code, machine, "clone", 17) == REFUSED
    assert answer(code, machine, "clone", 0x10F00) == (ALLOWED if threads else REFUSED)
    assert answer(code, machine, "tgkill", 77, 78, 6) == ALLOWED
    assert answer(code, machine, "tgkill", 1, 1, 6) == REFUSED
    assert answer(code, machine, "prlimit64", 0, 7, 0, 1 << 40) == ALLOWED
    for place in (8, 1 << 40):
        assert answer(code, machine, "prlimit64", 0, 7, place) == REFUSED


@pytest.mark.parametrize("machine", NUMBERS)
def test_a_compiler_starts_others_and_writes_but_has_no_network(machine: str) -> None:
    code = tool_filter(machine)
    for call in ("read", "execve", "clone", "clone3", "unlinkat", "kill"):
        assert answer(code, machine, call) == ALLOWED
    assert answer(code, machine, "openat", 3, 0, 0o101) == ALLOWED
    for call in ("socket", "connect", "io_uring_setup", "ptrace"):
        assert answer(code, machine, call) == REFUSED


@pytest.mark.parametrize("machine", NUMBERS)
def test_other_ways_to_call_the_kernel_end_the_process_and_later_calls_are_missing(machine: str) -> None:
    for code in (program_filter(machine, 1, threads=True), tool_filter(machine)):
        assert answer(code, machine, 41, name=0x40000003) == KILLED  # i386
        assert answer(code, machine, 0x40000000 + 41) == KILLED  # x32
        assert answer(code, machine, 463) == MISSING
