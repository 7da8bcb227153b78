"""Locks on files that several processes share, on one machine or on several: a process that ends gives them up."""

from __future__ import annotations

import contextlib
import errno
from typing import Any

fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows has others
    import fcntl

_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


def lock(file: int, *, shared: bool = False, wait: bool = False, without: bool = True) -> bool:
    """Take the lock of an open file; return False where another process holds it, unless told to wait.

    It is given up when the file is closed, and so when the process ends, however it ends. Where a file system has no
    locks, `without` is returned: what is written under a lock has to be safe without it, too.

    Args:
        file: the number of an open file.
        shared: let others hold it as well, if they share it.
        wait: until others have given it up.
        without: what is returned where there are no locks.
    """
    if fcntl is None:
        return without
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return without and error.errno not in _TAKEN
    return True
