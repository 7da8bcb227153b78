"""The endless examples of one operation in one part, drawn in blocks; each can be drawn alone, and kept on disk.

Only operands are kept. Results and encodings are computed from them, so that no file can hold a wrong one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.data.alu.integers import Integers
from lutsmith.data.alu.operations import Operation
from lutsmith.data.alu.parts import PARTS, name_code, part_of
from lutsmith.data.alu.samplers import Pair, draw
from lutsmith.data.alu.words import from_bytes, to_bytes
from lutsmith.data.dataset import DataError
from lutsmith.ground.atomic import write_atomically

_VERSION = 1
"""Of how blocks are drawn: another one for every change, so that blocks of earlier code are not taken."""

Points = tuple[Integers, Integers, Integers]
"""Operands and results: `a`, `b` (0 for operations of one) and `z`, each `(N,)`."""


@dataclass
class PointSource:
    """The examples of one operation in one part.

    Attributes:
        operation: whose examples they are.
        part: one of `PARTS`.
        bits: the width of the operands.
        signed: whether they are in two's complement.
        sampler: the weights of the samplers.
        seed: of all that is random.
        zero: what becomes of undefined points, one of `operations.ZERO`; "skip" draws others instead.
        held_out: the share of the validation part, and of the test part.
        folder: where blocks are kept, or None.
    """

    operation: Operation
    part: str
    bits: int
    signed: bool
    sampler: Mapping[str, float]
    seed: int
    zero: str
    held_out: float
    folder: Path | None = None
    _last: tuple[int, Points] | None = field(default=None, repr=False)

    @property
    def block_size(self) -> int:
        """How many points are drawn at once: fewer where they are Python's integers."""
        return 1 << (14 if self.bits <= 31 else 11)

    def take(self, start: int, count: int) -> Points:
        """Return the points from place `start` on."""
        blocks: list[tuple[Integers, ...]] = []
        place, end = start, start + count
        while place < end or not blocks:
            number, first = divmod(place, self.block_size)
            last = min(self.block_size, first + end - place)
            blocks.append(tuple(values[first:last] for values in self._block(number)))
            place += last - first
        a, b, z = (np.concatenate(values) if len(blocks) > 1 else values[0] for values in zip(*blocks, strict=True))
        return a, b, z

    def _block(self, number: int) -> Points:
        if self._last is None or self._last[0] != number:
            a, b = self._kept(number)
            operands = [a, b][: self.operation.arity]
            self._last = number, (a, b, self.operation.results(operands, self.bits, self.signed))
        return self._last[1]

    def _kept(self, number: int) -> Pair:
        """Return the operands of a block: from the folder where a file holds them undamaged, else drawn and kept."""
        if self.folder is None:
            return self._drawn(number)
        key = json.dumps(self._key(number), sort_keys=True).encode()
        path = self.folder / f"{hashlib.sha256(key).hexdigest()}.points"
        size = -(-self.bits // 8)
        with contextlib.suppress(OSError):
            held = path.read_bytes()
            digest, words = held[:32], held[32:]
            if len(words) == 2 * size * self.block_size and digest == hashlib.sha256(key + words).digest():
                rows = np.frombuffer(words, np.uint8).reshape(2, self.block_size, size)
                return from_bytes(rows[0], self.bits, self.signed), from_bytes(rows[1], self.bits, self.signed)
        pair = self._drawn(number)
        words = b"".join(np.ascontiguousarray(to_bytes(values, size)).tobytes() for values in pair)
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, hashlib.sha256(key + words).digest() + words)
        return pair

    def _key(self, number: int) -> dict[str, Any]:
        """Return all that decides which operands a block has."""
        names = ("part", "bits", "signed", "sampler", "seed", "zero", "held_out", "block_size")
        settings = {name: getattr(self, name) for name in names}
        settings["sampler"] = dict(self.sampler)
        return {"version": _VERSION, "numpy": np.__version__, "op": self.operation.name, "block": number, **settings}

    def _drawn(self, number: int) -> Pair:
        place = PARTS.index(self.part)
        rng = np.random.default_rng([self.seed, place, name_code(self.operation.name), number])
        share = self.held_out if place else 1 - 2 * self.held_out
        found: list[Pair] = []
        missing = self.block_size
        while missing > 0:
            tries = min(int(1.05 * missing / share), 1 << 18) + int(1024 / share)
            a, b = draw(self.sampler, self.operation, tries, self.bits, self.signed, rng)
            kept = part_of(self.operation.name, a, b, self.bits, self.held_out) == place
            if self.zero != "ones" and self.operation.undefined is not None:
                defined = self.operation.defined(*(a, b)[: self.operation.arity])
                if self.zero == "raise" and not defined[kept].all():
                    raise DataError(
                        f"alu: the sampler draws points where {self.operation.name} is undefined; zero='skip' draws "
                        "others, zero='ones' takes them"
                    )
                kept &= defined
            if not kept.any():
                raise DataError(
                    f"alu: none of {tries:,} points of {self.operation.name} at {self.bits} bits is in the {self.part} "
                    "part: too few are different; take more bits, or more of them with held_out=0.25"
                )
            found.append((a[kept][:missing], b[kept][:missing]))
            missing -= len(found[-1][0])
        first, second = zip(*found, strict=True)
        return np.concatenate(first), np.concatenate(second)
