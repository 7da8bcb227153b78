"""Machine code of a network of look-up tables: tables are folded into the instructions.

Two forms of it: straight-line code (`objects`) of all of a network, wires included; and a function for each table that
stands in many places (`functions`), a kernel's of a convolution, which is a loop over the wires of these.

The code evaluates the matrix of bits of `lanes`, on which the interpreter works too. In straight-line code nodes are
cut into chunks, a function each, so that LLVM's time grows with their number and no faster; a chunk is a loop over
parts of the rows as wide as the machine's vectors, and fits the first cache of instructions. What its own nodes alone
read is never stored.

A function of three inputs is one instruction where there is ternary logic (AVX-512). A larger one is a tree of
multiplexers over its cofactors, where equal ones are shared: variables are split off in the order that leaves least.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from llvmlite import binding as llvm

from lutsmith.kernels.engine.lanes import ONES_ROW, ROW_BYTES
from lutsmith.kernels.engine.splits import Split, Splits, split_of, support

CHUNK = 64
"""Nodes of a function."""

FUNCTIONS = 16
"""Functions of tables in an object file."""

TOGETHER = 16
"""Chunks whose tables are taken apart at once."""

REACH = 4
"""Nodes for which a value that can be loaded again is kept in a register."""


_SPARED = (
    "-enable-misched=false",
    *(f"-disable-{name}" for name in ("lsr", "cgp", "peephole", "machine-cse", "machine-licm", "machine-sink")),
)
"""Options of LLVM."""


class Node(NamedTuple):
    """A look-up table of 0 to 6 inputs.

    Attributes:
        out: byte offset of the row that it writes.
        inputs: those of the rows that it reads.
        table: its truth table, input 0 the least significant address bit.
        stored: whether its row is read by other chunks, or afterwards.
    """

    out: int
    inputs: tuple[int, ...]
    table: int
    stored: bool


def host() -> tuple[str, str]:
    """The processor and its features: code for one is none for another."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def spare() -> None:
    """Have LLVM leave out what code of tables gains nothing from, and select ternary logic block by block, not one by
    one. It holds for all that this process compiles afterwards.
    """
    for name in (*_SPARED, "-fast-isel=0") if _target(0)[2] else _SPARED:
        llvm.set_option("", name)


def objects(nodes: Sequence[Node], row_bytes: int, share: tuple[int, int] = (0, 1)) -> Iterator[bytes]:
    """Yield an object file for each chunk of nodes, and one that runs them all in the order of evaluation.

    Args:
        nodes: in that order.
        row_bytes: of a row of the matrix of bits.
        share: (k, n) for each n-th file from number k on: n processes make a share each.
    """
    machine, width, ternary = _target(0)
    count = -(-len(nodes) // CHUNK)
    own = range(share[0], count, share[1])
    for some in (own[first : first + TOGETHER] for first in range(0, len(own), TOGETHER)):
        chunks = {number: nodes[number * CHUNK :][:CHUNK] for number in some}
        tables = ((len(node.inputs), node.table) for chunk in chunks.values() for node in chunk)
        splits = Splits(tables)
        for number, chunk in chunks.items():
            text = _Chunk(width, ternary, splits).function(f"chunk{number}", chunk, row_bytes)
            yield machine.emit_object(llvm.parse_assembly(text))
    if count % share[1] != share[0]:
        return
    calls = "\n".join(f"call void @chunk{number}(i8* %base)" for number in range(count))
    declared = "\n".join(f"declare void @chunk{number}(i8*)" for number in range(count))
    text = f"{declared}\ndefine void @run(i8* %base) {{\n{calls}\nret void\n}}"
    yield machine.emit_object(llvm.parse_assembly(text))


def functions(tables: Sequence[tuple[int, int]], row_bytes: int, share: tuple[int, int] = (0, 1)) -> Iterator[bytes]:
    """Yield object files that hold a function for each table of some inputs, and one that runs a list of calls.

    Args:
        tables: number of inputs and truth table of each.
        row_bytes: of a row of the matrix of bits.
        share: as for `objects`.
    """
    machine, width, ternary = _target(1)
    for first in range(share[0] * FUNCTIONS, len(tables), share[1] * FUNCTIONS):
        some = tables[first : first + FUNCTIONS]
        splits = Splits(some)
        chunks = [_Chunk(width, ternary, splits) for _ in some]
        texts = [
            chunk.loop(f"table{number}", *table, row_bytes)
            for number, (chunk, table) in enumerate(zip(chunks, some, strict=True), first)
        ]
        yield machine.emit_object(llvm.parse_assembly("\n".join([chunks[0].declared(), *texts])))
    if share[0] == 0:
        yield machine.emit_object(llvm.parse_assembly(_CALLS))


def load(files: Iterable[bytes]) -> Callable[[int], None]:
    """Return the function that object files of `objects` make: it takes the address of a matrix of bits.

    They are machine code, and are trusted. The lock of Python is released while they run.
    """
    engine = _loaded(files)
    run: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("run"))
    run.engine = engine  # the code lives as long as it
    function: Callable[[int], None] = run
    return function


def load_functions(files: Iterable[bytes], count: int) -> tuple[Callable[[int, int, int], None], list[int]]:
    """Return what runs calls of object files of `functions`, and the addresses of the functions of `count` tables.

    It takes the addresses of a matrix of bits and of calls, and their number. A call is five int64: the address of a
    function; that of the byte offsets of the rows that its LUTs read, uint32; the offset of the first row that it
    writes; how many rows it writes; and how many LUTs each is the OR of. The lock of Python is released meanwhile.
    """
    engine = _loaded(files)
    arguments = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64
    run: Any = ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address("calls"))
    run.engine = engine
    return run, [engine.get_function_address(f"table{number}") for number in range(count)]


def _target(level: int) -> tuple[Any, int, bool]:
    """LLVM's machine for this processor, the bytes of its vectors, and whether it has ternary logic.

    At level 0 LLVM selects instructions and registers one by one: straight-line code, in which every instruction is
    needed and values are short-lived, is hardly slower, and made in a half to a sixth of the time. Loops are slower.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = host()
    known = llvm.get_host_cpu_features()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=level if "sse2" in known else 1, jit=True, codemodel="large"
    )
    ternary = bool(known.get("avx512f"))
    return machine, 64 if ternary else 32 if known.get("avx2") else 16, ternary


def _loaded(files: Iterable[bytes]) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True, codemodel="large")
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    for data in files:
        engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    return engine


_CALLS = """
define void @calls(i8* %base, i64* %calls, i64 %count) {
entry:
br label %loop
loop:
%number = phi i64 [0, %entry], [%next, %loop]
%place = mul i64 %number, 5
%call = getelementptr i64, i64* %calls, i64 %place
%address = load i64, i64* %call
%function = inttoptr i64 %address to void (i8*, i32*, i8*, i64, i64)*
%fanin.at = getelementptr i64, i64* %call, i64 1
%fanin.value = load i64, i64* %fanin.at
%fanin = inttoptr i64 %fanin.value to i32*
%out.at = getelementptr i64, i64* %call, i64 2
%offset = load i64, i64* %out.at
%out = getelementptr i8, i8* %base, i64 %offset
%rows.at = getelementptr i64, i64* %call, i64 3
%rows = load i64, i64* %rows.at
%pooled.at = getelementptr i64, i64* %call, i64 4
%pooled = load i64, i64* %pooled.at
call void %function(i8* %base, i32* %fanin, i8* %out, i64 %rows, i64 %pooled)
%next = add i64 %number, 1
%done = icmp eq i64 %next, %count
br i1 %done, label %end, label %loop
end:
ret void
}"""
"""What runs a list of calls, at least one."""


class _Chunk:
    """Writes the assembly of one function."""

    def __init__(self, width: int, ternary: bool, splits: Splits) -> None:
        self._width, self._ternary, self._splits = width, ternary, splits
        self._lines: list[str] = []
        self._count = 0

    def declared(self) -> str:
        """What stands before its functions."""
        kind = f"%V = type <{self._width // 4} x i32>\n"
        ternary = "declare %V @llvm.x86.avx512.pternlog.d.512(%V, %V, %V, i32)\n"
        return kind + ternary if self._ternary else kind

    def function(self, name: str, nodes: Sequence[Node], row_bytes: int) -> str:
        values: dict[int, tuple[str, int, bool]] = {}  # by row: the value, when it was last used, whether it is stored
        for number, node in enumerate(nodes):
            signals = []
            for row in node.inputs:
                value, last, stored = values.get(row, ("", 0, True))
                if not value or (stored and number - last > REACH):
                    value = self._load(row)
                values[row] = value, number, stored
                signals.append(value)
            value = self._node(node.table & (1 << (1 << len(signals))) - 1, tuple(signals), {})
            values[node.out] = value, number, node.stored
            if node.stored:
                self._lines.append(f"store %V {value}, %V* {self._address(node.out)}, align {self._width}")
        body = "\n".join(self._lines)
        return (
            f"{self.declared()}define void @{name}(i8* %base) {{\nentry:\nbr label %loop\nloop:\n"
            "%at = phi i64 [0, %entry], [%next, %loop]\n%part = getelementptr i8, i8* %base, i64 %at\n"
            f"%vectors = bitcast i8* %part to %V*\n{body}\n"
            f"%next = add i64 %at, {self._width}\n%done = icmp eq i64 %next, {row_bytes}\n"
            "br i1 %done, label %end, label %loop\nend:\nret void\n}"
        )

    def loop(self, name: str, inputs: int, table: int, row_bytes: int) -> str:
        """A function that evaluates a table in many places: rows are the OR of some LUTs each, one after the other."""
        signals = []
        for slot in range(inputs):
            offset = self._let(f"load i32, i32* {self._let(f'getelementptr i32, i32* %fanin, i64 {slot}')}")
            row = self._let(f"getelementptr i8, i8* %part, i64 {self._let(f'zext i32 {offset} to i64')}")
            pointer = self._let(f"bitcast i8* {row} to %V*")
            signals.append(self._let(f"load %V, %V* {pointer}, align {self._width}"))
        value = self._node(table, tuple(signals), {})
        body = "\n".join(self._lines)
        return (
            f"define void @{name}(i8* %base, i32* %first, i8* %target, i64 %rows, i64 %pooled) {{\nentry:\n"
            f"%wires = mul i64 %pooled, {inputs}\nbr label %row\n"
            "row:\n%number = phi i64 [0, %entry], [%following, %stored]\n"
            "%skipped = mul i64 %number, %wires\n%own = getelementptr i32, i32* %first, i64 %skipped\n"
            f"%passed = mul i64 %number, {row_bytes}\n%out = getelementptr i8, i8* %target, i64 %passed\n"
            "br label %loop\n"
            "loop:\n%at = phi i64 [0, %row], [%next, %written]\n%part = getelementptr i8, i8* %base, i64 %at\n"
            "%vectors = bitcast i8* %part to %V*\nbr label %lut\n"
            "lut:\n%place = phi i64 [0, %loop], [%later, %lut]\n"
            f"%some = phi %V [zeroinitializer, %loop], [%more, %lut]\n%begin = mul i64 %place, {inputs}\n"
            f"%fanin = getelementptr i32, i32* %own, i64 %begin\n{body}\n%more = or %V %some, {value}\n"
            "%later = add i64 %place, 1\n%last = icmp eq i64 %later, %pooled\n"
            "br i1 %last, label %written, label %lut\n"
            f"written:\n%byte = getelementptr i8, i8* %out, i64 %at\n%word = bitcast i8* %byte to %V*\n"
            f"store %V %more, %V* %word, align {self._width}\n%next = add i64 %at, {self._width}\n"
            f"%done = icmp eq i64 %next, {row_bytes}\nbr i1 %done, label %stored, label %loop\n"
            "stored:\n%following = add i64 %number, 1\n%all = icmp eq i64 %following, %rows\n"
            "br i1 %all, label %end, label %row\nend:\nret void\n}"
        )

    def _let(self, instruction: str) -> str:
        self._count += 1
        value = f"%v{self._count}"
        self._lines.append(f"{value} = {instruction}")
        return value

    def _address(self, row: int) -> str:
        return self._let(f"getelementptr %V, %V* %vectors, i64 {row // self._width}")

    def _load(self, row: int) -> str:
        return self._let(f"load %V, %V* {self._address(row)}, align {self._width}")

    def _op(self, name: str, a: str, b: str) -> str:
        return self._let(f"{name} %V {a}, {b}")

    def _lookup(self, table: int, x: str, y: str, z: str) -> str:
        """A function of three signals, z the least significant, by ternary logic; it takes the register of x."""
        return self._let(f"call %V @llvm.x86.avx512.pternlog.d.512(%V {x}, %V {y}, %V {z}, i32 {table})")

    def _node(self, table: int, signals: tuple[str, ...], made: dict[tuple[int, tuple[str, ...]], str]) -> str:
        """The value of a table on signals; `made` are the cofactors and complements that the node has already."""
        split = self._splits.of(len(signals), table)
        if split is None:
            table, signals = _needed(table, signals)
        if not signals:
            return self._load(table * ONES_ROW * ROW_BYTES)
        if table == 0b10 and len(signals) == 1:
            return signals[0]
        value = made.get((table, signals))
        if value is None:
            if self._ternary and len(signals) <= 3:
                x, y, z = (*reversed(signals), *signals, signals[0])[:3]
                wide = sum((table >> (entry >> 3 - len(signals)) & 1) << entry for entry in range(8))
                value = self._lookup(wide, x, y, z)
            elif len(signals) == 1:
                value = self._op("xor", signals[0], self._load(ONES_ROW * ROW_BYTES))
            else:
                value = self._split(split or split_of(table, len(signals)), signals, made)
            made[table, signals] = value
        return value

    def _split(self, split: Split, signals: tuple[str, ...], made: dict[tuple[int, tuple[str, ...]], str]) -> str:
        slot, low, high = split
        select, rest = signals[slot], signals[:slot] + signals[slot + 1 :]
        ones = (1 << (1 << len(rest))) - 1
        p = self._node(low, rest, made) if 0 < low < ones else ""
        q = self._node(high, rest, made) if 0 < high < ones and low != high ^ ones else ""
        if self._ternary and p and q:
            return self._lookup(_CHOICE, p, q, select)
        if low == high ^ ones:
            return self._op("xor", p, select)
        if q and not p:
            return self._op("or", q, self._node(0b01, (select,), made)) if low else self._op("and", q, select)
        if p and not q:
            return self._op("or", p, select) if high else self._op("and", p, self._node(0b01, (select,), made))
        if len(rest) > 3:
            return self._op("xor", self._op("and", self._op("xor", q, p), select), p)
        inverse = self._node(0b01, (select,), made)
        return self._op("or", self._op("and", p, inverse), self._op("and", q, select))


_CHOICE = 0xD8
"""Ternary logic: the third signal chooses the second, or else the first."""


def _needed(table: int, signals: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """A table without the signals that make no difference."""
    table, kept = support(table, len(signals))
    return table, tuple(signals[slot] for slot in kept)
