"""What a network answers, operation by operation: exact answers and right bits, beside what one constant one gets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lutsmith.data.alu import ALU
from lutsmith.training.metrics import logits

Bits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EncodedPoints:
    """Points of one operation, encoded.

    Attributes:
        name: of the operation.
        x: inputs `(N, *input_shape)`.
        y: results `(N, output_bits)`, 0 and 1.
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]

    @classmethod
    def of(cls, alu: ALU, name: str, count: int, part: str) -> EncodedPoints:
        """Return the first `count` points of an operation in a part."""
        a, b, z = alu.points(name, count, part)
        return cls(name, alu.encoder.inputs(name, a, b), alu.encoder.outputs(name, z))

    def bits(self, model: nn.Module, *, hardened: bool) -> Bits:
        """Return a model's answers as bits: which logits are above 0."""
        return logits(model, self.x, np.arange(len(self.x)), hardened=hardened) > 0


@dataclass(frozen=True)
class OperationScore:
    """What a network reached on one operation, in shares from 0 to 1.

    Attributes:
        op: the operation.
        points: how many were measured.
        exact: answers of which all bits are right.
        bits: right bits of all bits.
        constant: answers that are right where the most frequent one of these points is given always.
        constant_bits: right bits where each bit is always what it most often is.
        soft_exact, soft_bits: the same as `exact` and `bits` before hardening; None of a network that has no hard form.
    """

    op: str
    points: int
    exact: float
    bits: float
    constant: float
    constant_bits: float
    soft_exact: float | None = None
    soft_bits: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return dataclasses.asdict(self)


def exact(examples: EncodedPoints, answers: Bits) -> float:
    """Return the share of answers of which all bits are right."""
    return float((answers == (examples.y > 0)).all(axis=1).mean())


def measured(model: nn.Module, alu: ALU, points: int, *, soft: bool, part: str = "test") -> tuple[OperationScore, ...]:
    """Return what a model reaches on the first `points` points of each operation in a part of the data."""
    found = []
    for name in alu.names:
        examples = EncodedPoints.of(alu, name, points, part)
        truth, hard = examples.y > 0, examples.bits(model, hardened=True)
        ones = truth.mean(axis=0)
        _, counts = np.unique(np.packbits(truth, axis=1), axis=0, return_counts=True)
        before = examples.bits(model, hardened=False) if soft else None
        found.append(
            OperationScore(
                name,
                points,
                exact(examples, hard),
                float((hard == truth).mean()),
                float(counts.max() / points),
                float(np.maximum(ones, 1 - ones).mean()),
                None if before is None else exact(examples, before),
                None if before is None else float((before == truth).mean()),
            )
        )
    return tuple(found)
