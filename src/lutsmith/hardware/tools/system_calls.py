"""Filters of system calls for Linux, as classic BPF: what the kernel refuses to a confined process.

A filter refuses what it lists and allows the rest; of numbers above all that were known when it was written, it says
that they do not exist. Nothing is imported from lutsmith: the launcher of `confinement` runs without it.
"""

from __future__ import annotations

import struct

# name, number on x86_64, number on aarch64; - where there is none
_NETWORK = """
    socket 41 198  socketpair 53 199  connect 42 203  bind 49 200  listen 50 201  accept 43 202  accept4 288 242
    sendto 44 206  sendmsg 46 211  sendmmsg 307 269  io_uring_setup 425 425  io_uring_enter 426 426
    io_uring_register 427 427
"""
"""io_uring among them: it opens sockets, and files, past any filter."""

_SYSTEM = """
    ptrace 101 117  process_vm_readv 310 270  process_vm_writev 311 271  process_madvise 440 440  pidfd_getfd 438 438
    kcmp 312 272  bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  keyctl 250 219  add_key 248 217
    request_key 249 218  mount 165 40  umount2 166 39  pivot_root 155 41  chroot 161 51  unshare 272 97  setns 308 268
    open_tree 428 428  move_mount 429 429  fsopen 430 430  fsconfig 431 431  fsmount 432 432  fspick 433 433
    mount_setattr 442 442  open_by_handle_at 304 265  fanotify_init 300 262  quotactl 179 60  quotactl_fd 443 443
    acct 163 89  swapon 167 224  swapoff 168 225  reboot 169 142  init_module 175 105  finit_module 313 273
    delete_module 176 106  kexec_load 246 104  kexec_file_load 320 294  sethostname 170 161  setdomainname 171 162
    settimeofday 164 170  clock_settime 227 112  adjtimex 159 171  clock_adjtime 305 266  iopl 172 -  ioperm 173 -
    syslog 103 116  vhangup 153 58  modify_ldt 154 -  shmget 29 194  shmat 30 196  shmctl 31 195  msgget 68 186
    msgctl 71 187  semget 64 190  semctl 66 191  mq_open 240 180  mq_unlink 241 181
"""
"""Other processes, the machine, and what System V and POSIX queues leave behind."""

_PROCESSES = """
    fork 57 -  vfork 58 -  kill 62 129  tkill 200 130  rt_sigqueueinfo 129 138  rt_tgsigqueueinfo 297 240
    pidfd_open 434 434  pidfd_send_signal 424 424  setrlimit 160 164  setpriority 141 140  ioprio_set 251 30
    sched_setscheduler 144 119  sched_setparam 142 118  sched_setattr 314 274  migrate_pages 256 238  move_pages 279 239
    memfd_create 319 279  memfd_secret 447 447
"""

_FILES = """
    creat 85 -  rename 82 -  renameat 264 38  renameat2 316 276  link 86 -  linkat 265 37  symlink 88 -
    symlinkat 266 36  unlink 87 -  unlinkat 263 35  rmdir 84 -  mkdir 83 -  mkdirat 258 34  mknod 133 -
    mknodat 259 33  truncate 76 45  chmod 90 -  fchmod 91 52  fchmodat 268 53  fchmodat2 452 452  chown 92 -
    fchown 93 55  lchown 94 -  fchownat 260 54  utime 132 -  utimes 235 -  futimesat 261 -  utimensat 280 88
    setxattr 188 5  lsetxattr 189 6  fsetxattr 190 7  removexattr 197 14  lremovexattr 198 15  fremovexattr 199 16
"""

_OTHERS = "open 2 -  openat 257 56  openat2 437 437  clone 56 220  clone3 435 435  tgkill 234 131  prlimit64 302 261"

_LAST = 462
"""The highest number that the lists above were made with."""

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""By `os.uname().machine`: what the kernel calls it, and the column of its numbers."""

MACHINES = tuple(_ARCHITECTURES)

_EPERM, _ENOSYS = 1, 38
_X32 = 0x40000000
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
_CLONE_THREAD = 0x10000
_LOAD, _EQUAL, _ABOVE, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000

Instruction = tuple[int, int, int, int]


def program_filter(machine: str, process: int, *, threads: bool) -> bytes:
    """Return the filter of a program that is not trusted, which is the process of this number from now on.

    It has no network, starts no other process, signals none but itself, opens no file for writing, and changes none.

    Args:
        machine: one of `MACHINES`.
        process: the number that it may signal: its own.
        threads: whether it may start threads.
    """
    number = _numbers(_OTHERS, machine)
    code = _refused(machine, _NETWORK + _SYSTEM + _PROCESSES + _FILES)
    for name, argument in (("open", 1), ("openat", 2)):
        if name in number:
            code += _case(number[name], [_argument(argument), (_ANY_BIT, 0, 1, _WRITING), _error(_EPERM)])
    code += [*_case(number["openat2"], [_error(_ENOSYS)]), *_case(number["clone3"], [_error(_ENOSYS)])]
    allowed = [_argument(0), (_ANY_BIT, 1, 0, _CLONE_THREAD)] if threads else []
    code += _case(number["clone"], [*allowed, _error(_EPERM)])
    code += _case(number["tgkill"], [_argument(0), (_EQUAL, 1, 0, process), _error(_EPERM)])
    limit = [_argument(2), (_EQUAL, 0, 2, 0), _argument(2, high=True), (_EQUAL, 1, 0, 0), _error(_EPERM)]
    code += _case(number["prlimit64"], limit)  # a pointer to new limits
    return _assembled(code)


def tool_filter(machine: str) -> bytes:
    """Return the filter of a compiler: no network, and nothing that concerns the machine or foreign processes."""
    return _assembled(_refused(machine, _NETWORK + _SYSTEM))


def _refused(machine: str, names: str) -> list[Instruction]:
    """Return the beginning of a filter; another architecture's system calls, x32's too, end the process."""
    kernel_name, _ = _ARCHITECTURES[machine]
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, kernel_name), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL), (_ABOVE, 0, 1, _LAST), _error(_ENOSYS)]
    for number in _numbers(names, machine).values():
        code += [(_EQUAL, 0, 1, number), _error(_EPERM)]
    return code


def _case(number: int, body: list[Instruction]) -> list[Instruction]:
    """Return what is done at a system call: the body, and if that has not returned, it is allowed."""
    return [(_EQUAL, 0, len(body) + 1, number), *body, (_RETURN, 0, 0, _ALLOW)]


def _argument(index: int, *, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * index + (4 if high else 0))  # both machines are little-endian


def _error(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def _assembled(code: list[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *step) for step in [*code, (_RETURN, 0, 0, _ALLOW)])


def _numbers(names: str, machine: str) -> dict[str, int]:
    words = names.split()
    column = words[1 + _ARCHITECTURES[machine][1] :: 3]
    return {name: int(number) for name, number in zip(words[::3], column, strict=True) if number != "-"}
