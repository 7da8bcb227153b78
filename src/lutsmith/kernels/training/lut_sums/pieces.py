"""Many samples of one LUT at once, a byte each: addresses, and tables that lie in registers.

A table is bytes in registers, and a shuffle of bytes looks up as many samples as a register has bytes: 64 entries at a
time with AVX-512 VBMI, 16 with AVX2. Other machines have no such pieces, and take the fold.

A row holds ROW samples: 255 where an input is 1, or else 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config
from numba.core import cgutils

from lutsmith.kernels.training.fold.pieces import ROW
from lutsmith.kernels.vectors import WORD, Vectors, piece

BYTE, INDEX = ir.IntType(8), ir.IntType(32)
MOST = 255  # LUTs whose ones a byte can count


def shuffles() -> str:
    """Which shuffle of bytes this machine has: "vbmi", "avx2", or "" for none."""
    settings: Any = config
    if settings.CPU_NAME or settings.CPU_FEATURES is not None:  # kernels are compiled for another machine
        return ""
    features = llvmlite.binding.get_host_cpu_features()
    return "vbmi" if features.get("avx512vbmi") else "avx2" if features.get("avx2") else ""


class Bytes:
    """Emits look-ups in tables of a rank."""

    def __init__(self, builder: Any, rank: int, machine: str) -> None:
        self.builder, self.rank, self.machine = builder, rank, machine
        self.lanes, self.held = (64, 64) if machine == "vbmi" else (32, 16)  # bytes of a register, entries in it
        self.vector = ir.VectorType(BYTE, self.lanes)
        self.vectors = ROW // self.lanes

    def every(self, value: int) -> Any:
        """A byte in every lane."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def at(self, address: Any, number: int) -> Any:
        """Pointer to the vector of this number."""
        place = self.builder.add(address, WORD(number * self.lanes))
        return self.builder.inttoptr(place, self.vector.as_pointer())

    def load(self, address: Any, number: int) -> Any:
        """The vector of this number."""
        return self.builder.load(self.at(address, number), align=1)

    def store(self, value: Any, address: Any, number: int) -> None:
        """Write the vector of this number."""
        self.builder.store(value, self.at(address, number), align=1)

    def rows(self, inputs: Any, base: Any) -> list[Any]:
        """Addresses of the rows that a LUT's inputs name."""
        b, found = self.builder, []
        for slot in range(self.rank):
            pointer = b.inttoptr(b.add(inputs, WORD(4 * slot)), INDEX.as_pointer())
            found.append(b.add(base, b.mul(b.zext(b.load(pointer), WORD), WORD(ROW))))
        return found

    def address(self, rows: Sequence[Any], number: int) -> Any:
        """The entry that each sample of a vector reads."""
        total = None
        for slot, row in enumerate(rows):
            bit = self.builder.and_(self.load(row, number), self.every(1 << slot))
            total = bit if total is None else self.builder.or_(total, bit)
        return total

    def table(self, bits: Any, number: Any) -> list[Any]:
        """The entries of a table as bytes 0 and 1, in registers; its bits lie behind those of the tables before it."""
        b, size = self.builder, 1 << self.rank
        if size < 8:
            place = b.mul(number, WORD(size))
            pointer = b.inttoptr(b.add(bits, b.lshr(place, WORD(3))), BYTE.as_pointer())
            byte = b.lshr(b.load(pointer), b.trunc(b.and_(place, WORD(7)), BYTE))
            parts = [b.zext(byte, WORD)]
        else:
            place, step = b.add(bits, b.mul(number, WORD(size // 8))), min(size, 64)
            kind = ir.IntType(step)
            pointers = [b.inttoptr(b.add(place, WORD(k)), kind.as_pointer()) for k in range(0, size // 8, step // 8)]
            loaded = [b.load(pointer, align=1) for pointer in pointers]
            parts = loaded if step == 64 else [b.zext(part, WORD) for part in loaded]
        return [register for part in parts for register in self._registers(part)]

    def _registers(self, part: Any) -> list[Any]:
        b, held = self.builder, self.held
        found = []
        for first in range(0, min(64, 1 << self.rank), held):
            bits = b.lshr(part, WORD(first)) if first else part
            flags = b.bitcast(
                b.trunc(bits, ir.IntType(held)) if held < 64 else bits, ir.VectorType(ir.IntType(1), held)
            )
            own = b.zext(flags, ir.VectorType(BYTE, held))
            found.append(own if held == self.lanes else self._shuffled(own, [k % held for k in range(self.lanes)]))
        return found

    def _shuffled(self, a: Any, lanes: Sequence[int]) -> Any:
        return self.builder.shuffle_vector(a, a, ir.Constant(ir.VectorType(INDEX, len(lanes)), list(lanes)))

    def slope(self, table: Sequence[Any], slot: int) -> list[Any]:
        """Entry where an input is 1 minus entry where it is 0, at every address, in registers."""
        b, bit = self.builder, 1 << slot
        if bit < self.held:
            upper = ir.Constant(ir.VectorType(ir.IntType(1), self.lanes), [bool(k & bit) for k in range(self.lanes)])
            others = [self._shuffled(own, [k ^ bit for k in range(self.lanes)]) for own in table]
            pairs = zip(table, others, strict=True)
            return [b.select(upper, b.sub(own, other), b.sub(other, own)) for own, other in pairs]
        step = bit // self.held
        return [b.sub(table[k | step], table[k & ~step]) for k in range(len(table))]

    def look_up(self, table: Sequence[Any], address: Any) -> Any:
        """The entries at addresses."""
        b = self.builder
        low = b.and_(address, self.every(15)) if self.machine == "avx2" and self.rank > 7 else address
        found = [self._shuffle(own, low) for own in table]
        bit = self.held
        while len(found) > 1:
            upper = b.icmp_unsigned("!=", b.and_(address, self.every(bit)), self.every(0))
            found = [b.select(upper, high, own) for own, high in zip(found[::2], found[1::2], strict=True)]
            bit *= 2
        return found[0]

    def _shuffle(self, table: Any, address: Any) -> Any:
        name = "llvm.x86.avx512.permvar.qi.512" if self.machine == "vbmi" else "llvm.x86.avx2.pshuf.b"
        kind = ir.FunctionType(self.vector, [self.vector, self.vector])
        function: Any = cgutils.get_or_insert_function
        return self.builder.call(function(self.builder.module, kind, name), [table, address])


def pieces(rank: int, dtype: np.dtype[Any]) -> dict[str, Any]:
    """The pieces of a rank by name; none where the machine has no shuffle of bytes."""
    machine = shuffles()
    if rank == 0 or dtype.itemsize != 4 or not machine:
        return {}

    def count(v: Vectors, inputs: Any, bits: Any, first: Any, luts: Any, rows: Any, sums: Any) -> None:
        """Add to ROW sums, float32, 2 for each of at most MOST LUTs that is 1; the first one's table has a number."""
        b, own = v.builder, Bytes(v.builder, rank, machine)
        totals = [v.variable(own.vector, [0] * own.lanes) for _ in range(own.vectors)]
        with cgutils.for_range(b, luts, intp=WORD) as loop:
            table = own.table(bits, b.add(first, loop.index))
            places = own.rows(b.add(inputs, b.mul(loop.index, WORD(4 * rank))), rows)
            for number, total in enumerate(totals):
                value = own.look_up(table, own.address(places, number))
                b.store(b.add(b.load(total), value), total)
        for number, total in enumerate(totals):
            for part in range(own.lanes // v.lanes):
                lanes = range(part * v.lanes, (part + 1) * v.lanes)
                value = own.builder.shuffle_vector(
                    b.load(total), b.load(total), ir.Constant(ir.VectorType(INDEX, v.lanes), list(lanes))
                )
                twice = b.uitofp(b.shl(b.zext(value, v.integers), ir.Constant(v.integers, [1] * v.lanes)), v.vector)
                place = WORD(number * own.lanes + part * v.lanes)
                v.store(v.add(v.load(sums, place), twice), sums, place)

    def slopes(v: Vectors, inputs: Any, bits: Any, table_number: Any, rows: Any, counts: Any, addresses: Any) -> None:
        """Write the addresses of a LUT's samples, and add its slopes to the counts of the rows that it reads."""
        b, own = v.builder, Bytes(v.builder, rank, machine)
        table, places = own.table(bits, table_number), own.rows(inputs, rows)
        found = [own.address(places, number) for number in range(own.vectors)]
        for number, address in enumerate(found):
            own.store(address, addresses, number)
        for slot, target in enumerate(own.rows(inputs, counts)):
            slope = own.slope(table, slot)
            for number, address in enumerate(found):
                own.store(b.add(own.load(target, number), own.look_up(slope, address)), target, number)

    def places(v: Vectors, inputs: Any, rows: Any, addresses: Any) -> None:
        """Write the addresses of a LUT's samples."""
        own = Bytes(v.builder, rank, machine)
        read = own.rows(inputs, rows)
        for number in range(own.vectors):
            own.store(own.address(read, number), addresses, number)

    def gather(v: Vectors, addresses: Any, g: Any, e: Any) -> None:
        """Add to each of a few entries the gradients of the samples that read it."""
        b, few = v.builder, 1 << rank
        kind = ir.VectorType(BYTE, v.lanes)
        totals = v.accumulators(few)
        for start in range(0, ROW, v.lanes):
            pointer = b.inttoptr(b.add(addresses, WORD(start)), kind.as_pointer())
            address, value = b.load(pointer, align=1), v.load(g, WORD(start))
            for entry, total in enumerate(totals):
                here = b.icmp_unsigned("==", address, ir.Constant(kind, [entry] * v.lanes))
                v.accumulate_where(here, value, total)
        v.add_totals(totals, e, WORD(0))

    found: dict[str, tuple[Any, int]] = {"count": (count, 6), "slopes_of": (slopes, 6), "places_of": (places, 3)}
    if rank <= FEW:
        found["gather"] = (gather, 3)
    return {name: piece(dtype, arguments, emit) for name, (emit, arguments) in found.items()}


FEW = 4
"""Up to this rank entries are summed one by one, by comparing addresses; above it samples are added where they read."""
