"""Machine code of a circuit's network, made in the background and used where it is clearly faster.

Once the large calls of an engine have taken as long as making code would, a thread looks for the code of the network in
the user's cache, or has it made by processes of its own, which LLVM keeps busy for some seconds at low priority. The
code is then timed against the interpreter on one block of random bits, and compared with it. It takes over where both
succeed; otherwise, and if anything goes wrong, the interpreter stays. Nobody waits for any of this. However many
circuits predict, one is compiled at a time.

A network is compiled as a whole, wires and tables, where it has up to `MOST_NODES` nodes. Where tables recur, as a
kernel's at the places of an image, there is a function for each of these, which all its places call; what has no such
table is interpreted between the calls. So a convolution of any size is compiled, in some seconds.

Whoever could write the cache could have this process run anything: the folder must belong to the user and to nobody
else (0700), and each file is authenticated by HMAC-SHA256 under a key that lies in the folder, so that files which are
truncated, changed or from elsewhere are made anew. Names are a hash of the network and of all that code depends on.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import hmac
import inspect
import io
import math
import os
import secrets
import stat
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit import tables as truth_tables
from lutsmith.circuit.engine.bands import steps
from lutsmith.circuit.engine.evaluated import EvaluatedNodes
from lutsmith.circuit.engine.plan import EnginePlan, Network
from lutsmith.circuit.engine.recurring import Calls, recurring
from lutsmith.circuit.engine.workers import as_limited, num_threads
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arrays import runs
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.cache import cache_base
from lutsmith.ground.programs import python_environment
from lutsmith.kernels.engine import lanes

if TYPE_CHECKING:
    from lutsmith.kernels.engine.codegen import Node

SWITCH = "LUTSMITH_COMPILE"
"""Environment variable: 0 turns machine code off."""

MOST_NODES = 50_000
"""Nodes of a network that is compiled as a whole."""

STARTING = 0.6
"""Seconds that the process which makes code takes to start."""

MAKING = 4e-4
"""Seconds that code of a whole network takes to make on one core, for each node."""

MAKING_TABLE = 4e-3
"""Seconds that the function of a table takes to make on one core."""

SHARE = 0.5
"""Seconds of work that are worth a process of their own."""

MOST_PROCESSES = 8
"""Processes that make one network's code, at most: each takes some 200 MB."""

GAIN = 1.25
"""How many times faster than the interpreter the code must be."""

TIMEOUT = 120.0
"""Seconds that making the code may take."""

_TIMED = 9
_LENGTH = struct.Struct("<Q")
_SIGNATURE = hashlib.sha256().digest_size
_processes: set[subprocess.Popen[bytes]] = set()
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_ending = threading.Event()
_turn = threading.Semaphore()


class Code:
    """A network in the shape that its machine code evaluates.

    Attributes:
        netlist: an equal netlist, locally simplified where it is compiled as a whole.
        files: the object files.
        tables: number of inputs and truth table of each function; none where the network is compiled as a whole.
    """

    def __init__(self, netlist: Netlist, files: list[bytes], tables: Sequence[tuple[int, int]] = ()) -> None:
        self.netlist, self.files, self.tables = netlist, files, tuple(tables)

    @classmethod
    def of(cls, netlist: Netlist, share: tuple[int, int] = (0, 1)) -> Code:
        """Make the code: some seconds for thousands of nodes. `share` (k, n) makes the files of the k-th of n processes
        alone.
        """
        from lutsmith.circuit.simplify.passes import simplify_netlist
        from lutsmith.kernels.engine import codegen

        if tables := recurring(netlist):  # simplified, they would differ at the borders of images
            return cls(netlist, list(codegen.functions(tables, lanes.ROW_BYTES, share)), tables)
        simplified, _ = simplify_netlist(netlist, 1)
        if simplified.num_nodes > MOST_NODES:
            raise ValueError(f"{simplified.num_nodes} nodes are too many for code, expected at most {MOST_NODES}")
        code = cls(simplified, [])
        code.files += codegen.objects(nodes(code.plan()), lanes.ROW_BYTES, share)
        return code

    def plan(self) -> EnginePlan:
        """Where the code finds its inputs, and leaves its outputs."""
        return EnginePlan(self.netlist, fixed=True, pools=bool(self.tables), coded=self.tables)

    def load(self, plan: EnginePlan) -> Network:
        """Return the code as a function of a matrix of bits, that of `plan`."""
        from lutsmith.kernels.engine import codegen

        if self.tables:
            return Calls(plan, *codegen.load_functions(self.files, len(self.tables)))
        run = codegen.load(self.files)
        return lambda values: run(values.ctypes.data)

    def to_bytes(self) -> bytes:
        """Return arrays of numbers as an `.npz` file holds them."""
        arrays = _arrays(self.netlist)
        arrays["lengths"] = np.array([len(file) for file in self.files], np.int64)
        arrays["inputs"] = np.array([inputs for inputs, _ in self.tables], np.int64)
        arrays["tables"] = np.array([table for _, table in self.tables], np.uint64)
        arrays["code"] = np.frombuffer(b"".join(self.files), np.uint8)
        return _packed(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Code:
        """Return what `to_bytes` wrote."""
        arrays = _unpacked(data)
        ends, code = np.cumsum(arrays.pop("lengths")).tolist(), arrays.pop("code").tobytes()
        files = [code[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        tables = list(zip(arrays.pop("inputs").tolist(), arrays.pop("tables").tolist(), strict=True))
        return cls(_netlist(arrays), files, tables)


def nodes(plan: EnginePlan) -> list[Node]:
    """The nodes of a plan for `codegen`: rows that are read within their chunk alone are not stored."""
    from lutsmith.kernels.engine.codegen import CHUNK, Node

    given: list[tuple[int, tuple[int, ...], int]] = []
    tables, fanin = plan.tables().tolist(), plan.fanin.tolist()
    for kind, first, count, entry, row, _ in plan.groups.tolist():
        rank = lanes.KINDS[kind][0]
        for index in range(count):
            reads = tuple(fanin[entry + index * rank : entry + (index + 1) * rank])
            given.append(((row + index) * lanes.ROW_BYTES, reads, tables[first + index]))
    last_read = [0] * len(given)
    writer: dict[int, int] = {}
    for number, (out, reads, _) in enumerate(given):
        for read in reads:
            if read in writer:
                last_read[writer[read]] = number
        writer[out] = number
    kept = {writer[row] for row in (plan.output_rows * lanes.ROW_BYTES).tolist() if row in writer}
    return [
        Node(out, reads, table, number in kept or last_read[number] // CHUNK > number // CHUNK)
        for number, (out, reads, table) in enumerate(given)
    ]


def making(netlist: Netlist) -> float:
    """The seconds that code of a network takes to make; infinite where it is too large to be compiled at all."""
    if tables := recurring(netlist):
        return STARTING + MAKING_TABLE * len(tables)
    return STARTING + MAKING * netlist.num_nodes if 0 < netlist.num_nodes <= MOST_NODES else math.inf


def wanted() -> bool:
    """Whether networks may be compiled: by the environment."""
    return os.environ.get(SWITCH) != "0" and bool(sys.executable)


def find(netlist: Netlist) -> Code | None:
    """Return the code of a netlist from the cache, or else make it; None where that fails."""
    folder = cache_folder()
    path = None if folder is None else folder / f"{_name(netlist)}.code"
    data = None if path is None else _read(path)
    if data is None:
        data = made(netlist)
        if data is not None and path is not None:
            with contextlib.suppress(OSError):  # a full disk: the code is used all the same
                write_atomically(path, _signature(path, data) + data)
    return None if data is None else Code.from_bytes(data)


def faster(plan: EnginePlan, own: EnginePlan, network: Network) -> bool:
    """Whether code for `plan` says what the interpreter says of `own`, at least `GAIN` times as fast."""
    given, values = own.values(), plan.values()
    tables = own.tables()
    bits = np.random.default_rng(0).integers(0, 2**64, given[own.input_rows].shape, dtype=np.uint64)
    slow, fast = [], []
    for _ in range(_TIMED):
        given[own.input_rows] = values[plan.input_rows] = bits  # inputs lie where results may come to lie
        begin = time.perf_counter()
        lanes.evaluate(given, own.fanin, tables, own.groups)
        middle = time.perf_counter()
        network(values)
        slow.append(middle - begin)
        fast.append(time.perf_counter() - middle)
        if not np.array_equal(given[own.output_rows], values[plan.output_rows]):
            return False
    return min(slow) >= GAIN * min(fast)


def cache_folder() -> Path | None:
    """The folder of machine code, made if need be; None where there is none that is the user's alone and writable."""
    try:
        folder = cache_base() / "code"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        mine = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
        usable = stat.S_ISDIR(status.st_mode) and mine and os.access(folder, os.W_OK)
    except (OSError, RuntimeError):  # no home folder
        return None
    return folder if usable else None


def _name(netlist: Netlist) -> str:
    """A hash of all that the code depends on."""
    import llvmlite

    from lutsmith.kernels.engine import codegen, splits

    digest = hashlib.sha256(repr((*codegen.host(), llvmlite.__version__, np.__version__, sys.byteorder)).encode())
    engine = (inspect.getfile(kind) for kind in (EnginePlan, EvaluatedNodes, Calls, steps, runs, Netlist))
    for source in (__file__, codegen.__file__, splits.__file__, lanes.__file__, truth_tables.__file__, *engine):
        digest.update(Path(source).read_bytes())
    for name, array in _arrays(netlist).items():
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _signature(path: Path, data: bytes) -> bytes:
    """HMAC of a file's name and content under the folder's key. OSError: there is none, and none can be written."""
    key_path = path.parent / "key"
    try:
        key = key_path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) < 32:
        key = secrets.token_bytes(32)
        write_atomically(key_path, key)
        key_path.chmod(0o600)
    return hmac.digest(key, path.name.encode() + data, "sha256")


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        data = content[_SIGNATURE:]
        return data if hmac.compare_digest(content[:_SIGNATURE], _signature(path, data)) else None
    except OSError:
        return None


def made(netlist: Netlist) -> bytes | None:
    """Have other processes make the code: neither their time nor their failure is this one's. None: it failed."""
    while not _turn.acquire(timeout=0.1):
        if _ending.is_set():
            return None
    try:
        return _made_now(netlist)
    finally:
        _turn.release()


def _made_now(netlist: Netlist) -> bytes | None:
    """Compile on as many cores as the process uses, if that is worth it."""
    work = making(netlist) - STARTING
    count = max(1, min(num_threads(), int(work / SHARE), MOST_PROCESSES)) if work < math.inf else 1
    given, found = _packed(_arrays(netlist)), list[bytes | None]([None] * count)

    def make(number: int) -> None:
        found[number] = _of_process(given, number, count)

    others = [start(partial(make, number)) for number in range(1, count)]
    make(0)
    for thread in others:
        if thread.ident is not None:
            thread.join()
    parts = [Code.from_bytes(data) for data in found if data is not None]
    if len(parts) < count:
        return None
    return Code(parts[0].netlist, [file for part in parts for file in part.files], parts[0].tables).to_bytes()


def _of_process(given: bytes, number: int, count: int) -> bytes | None:
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(number), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=python_environment(),
        )  # fmt: skip
    except OSError:
        return None
    _processes.add(process)
    if _ending.is_set():
        process.kill()
    try:
        data, _ = process.communicate(_LENGTH.pack(len(given)) + given, TIMEOUT)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        process.kill()
        process.communicate()
        return None
    finally:
        _processes.discard(process)
    return data if process.returncode == 0 else None


def start(work: Callable[[], None]) -> threading.Thread:
    """Do something in the background, on as many cores as this thread may use, which Python's end cuts short."""
    thread = threading.Thread(target=as_limited(work), name="lutsmith compile", daemon=True)
    with contextlib.suppress(RuntimeError):  # Python is ending already and begins no threads
        thread.start()
        _threads.add(thread)
    return thread


def _stop() -> None:
    """Leave no process behind, and no thread in the midst of LLVM."""
    _ending.set()
    for process in list(_processes):
        process.kill()
    for thread in list(_threads):
        thread.join(TIMEOUT)


def _forget() -> None:
    global _turn  # a thread that does not live on in the child may have its turn
    _processes.clear()
    _threads.clear()
    _turn = threading.Semaphore()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _arrays(netlist: Netlist) -> dict[str, NDArray[Any]]:
    return {item.name: np.asarray(getattr(netlist, item.name)) for item in fields(netlist)}


def _netlist(arrays: dict[str, NDArray[Any]]) -> Netlist:
    given: dict[str, Any] = {name: array.item() if array.ndim == 0 else array for name, array in arrays.items()}
    return Netlist(**given)


def _packed(arrays: dict[str, NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def _main() -> None:
    """Read a netlist from stdin and write its code to stdout, or the share of it that the arguments say."""
    from lutsmith.kernels.engine import codegen

    if hasattr(os, "nice"):
        os.nice(10)
    codegen.spare()
    (length,) = _LENGTH.unpack(sys.stdin.buffer.read(_LENGTH.size))  # no end may come: forked processes hold the pipe
    netlist = _netlist(_unpacked(sys.stdin.buffer.read(length)))
    number, count = map(int, sys.argv[1:3])
    sys.stdout.buffer.write(Code.of(netlist, (number, count)).to_bytes())


if __name__ == "__main__":
    _main()
