"""Processes that can do little harm, on Linux: for programs that are not trusted, and for compilers that read them.

A launcher, which is this file run by Python, confines itself and then becomes the program. Nothing has to be undone
afterwards, and the program cannot undo anything.

    limits        seconds of processor time, memory, bytes of a file, open files, no core dumps
    seccomp       no network. A program, besides: no other process, no signal to one, no file opened for writing or
                  changed; its results leave through its standard output, a file of bounded size
    Landlock      where the kernel has it: writing only in the folder of the run (a compiler), or nowhere (a program);
                  no look into processes outside, and no signals to them
    capabilities  none, where root runs it
    environment   of a program: PATH, LC_ALL, TMPDIR and HOME

The process ends with the one that started it. What a program can still do is compute, and read files that the user
can read; what it reads it can only print.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

if __package__:
    from lutsmith.hardware.tools.system_calls import MACHINES, program_filter, tool_filter
else:  # the launcher, which runs alone
    sys.path.append(str(Path(__file__).parent))
    from system_calls import MACHINES, program_filter, tool_filter  # type: ignore[import-not-found, no-redef]

GIB = 1 << 30
OPEN_FILES = 256
PROBE_SECONDS = 60
_CANNOT_START = 126
_SET_DEATH_SIGNAL, _SET_SECCOMP, _DROP_CAPABILITY, _NO_NEW_PRIVILEGES = 1, 22, 24, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_LANDLOCK_SCOPES, _LANDLOCK_REFER = 6, 2
"""Versions of Landlock: the one that also hides processes outside, and the first that lets files be moved."""


@dataclass(frozen=True)
class Limits:
    """What a confined process may use.

    Attributes:
        program: whether it is a program that is not trusted. Else it is a compiler: it may start processes, write in
            the folder of the run, and has the user's environment.
        threads: a program may start threads.
        memory: bytes of private memory, all threads together; each process of a compiler has as much.
        addresses: of a program, the bytes of its whole address space are limited to those, too. Runtimes that reserve
            more addresses than they use do not start so.
        file: bytes of the largest file: of its standard output, for a program.
    """

    program: bool = True
    threads: bool = False
    memory: int = 4 * GIB
    addresses: bool = True
    file: int = GIB


TOOL = Limits(program=False, memory=8 * GIB)
"""Of compilers."""


@lru_cache(maxsize=1)
def problem() -> str | None:
    """Return why nothing can be confined here, or None. It confines a process that tries what it must not do."""
    machine = os.uname().machine if hasattr(os, "uname") else sys.platform
    if sys.platform != "linux" or machine not in MACHINES:
        return f"this needs Linux on {' or '.join(MACHINES)}, not {sys.platform} on {machine}"
    probe = launched([], Limits(), 60, "/")
    try:
        done = subprocess.run(
            probe,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment("/"),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().rpartition("\n")[2]
    return said or f"the trial ended with status {done.returncode}" if done.returncode else None


def launched(command: Sequence[str], limits: Limits, seconds: float, folder: str | os.PathLike[str]) -> list[str]:
    """Return the command that runs another one confined; none at all makes a trial of the confinement.

    Args:
        command: program and arguments.
        limits: what it may use.
        seconds: of processor time.
        folder: where a compiler may write.
    """
    told = {**asdict(limits), "seconds": int(seconds) + 1, "folder": os.fspath(folder), "parent": os.getpid()}
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), json.dumps(told), *command]


def environment(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return the environment of a program."""
    place = str(Path(folder).resolve())
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": place, "HOME": place}


# What follows runs in the launcher


def _confine(limits: Limits, seconds: int, folder: str, parent: int) -> None:
    import resource  # there is none on Windows, where this module is imported too

    machine = os.uname().machine
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        sys.exit("who started this is gone")
    kinds = [(resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, limits.file), (resource.RLIMIT_CORE, 0)]
    kinds += [(resource.RLIMIT_NOFILE, OPEN_FILES), (resource.RLIMIT_DATA, limits.memory)]
    if limits.program and limits.addresses:
        kinds.append((resource.RLIMIT_AS, limits.memory))
    for kind, most in kinds:
        hard = resource.getrlimit(kind)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (lowest, lowest))
    if os.geteuid() == 0:
        for capability in range(64):
            libc.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)
        _call(libc.capset(struct.pack("=II", 0x20080522, 0), bytes(24)), "capset")
    _call(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")
    _restrict_files(libc, None if limits.program else folder)
    code = program_filter(machine, os.getpid(), threads=limits.threads) if limits.program else tool_filter(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    _call(libc.prctl(_SET_SECCOMP, 2, described, 0, 0), "seccomp")


def _restrict_files(libc: ctypes.CDLL, folder: str | None) -> None:
    """Let Landlock allow changes to files below a folder only, or nowhere. Nothing where the kernel has it not."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < _LANDLOCK_REFER:
        return
    writing = 1 << 1 | 0x1FF0  # write, remove, make anything
    writing |= 1 << 13 | (1 << 14 if version >= 3 else 0)  # move, truncate
    scopes = 3 if version >= _LANDLOCK_SCOPES else 0  # abstract sockets, signals
    attributes = struct.pack("=QQQ", writing, 0, scopes)[: 24 if scopes else 8]
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    _call(rules, "landlock")
    for place, rights in () if folder is None else ((folder, writing), ("/dev/null", 1 << 1)):
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        _call(libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", rights, opened), 0), "landlock")
        os.close(opened)
    _call(libc.syscall(_RESTRICT_SELF, rules, 0), "landlock")
    os.close(rules)


def _call(status: int, name: str) -> None:
    if status < 0:
        sys.exit(f"{name} is refused by the kernel: {os.strerror(ctypes.get_errno())}")


def _leave_a_child() -> None:
    if os.fork() == 0:
        os._exit(0)


def _trial() -> str | None:
    """Return what was not refused."""
    attempts: dict[str, Callable[[], object]] = {
        "the network": lambda: socket.socket().close(),
        "another process": _leave_a_child,
        "writing": lambda: os.close(os.open("/dev/null", os.O_WRONLY)),
    }
    for name, attempt in attempts.items():
        with contextlib.suppress(PermissionError):
            attempt()
            return f"{name} cannot be cut off here"
    return None


def _main(told: dict[str, int | str | bool], command: list[str]) -> str | None:
    given = dict(told)
    seconds, folder, parent = int(given.pop("seconds")), str(given.pop("folder")), int(given.pop("parent"))
    _confine(Limits(**given), seconds, folder, parent)  # type: ignore[arg-type]
    if not command:
        return _trial()
    for ignored in (signal.SIGXFSZ, signal.SIGPIPE):  # by Python, and by what it becomes
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        os._exit(_CANNOT_START)


if __name__ == "__main__":
    sys.exit(_main(json.loads(sys.argv[1]), sys.argv[2:]))
