"""How examples of an ALU are shown to a learner: operations, operands and results as bits, and back.

Operands and results are in two's complement, lowest bit first. ExampleEncoding never alters an operand. An encoding of
several operations shows the operation as a one-hot code in the order of its `ops`. An operation with one operand is
shown with `b` = 0.

`flat` is ALU_Net's own, 44 -> 32 bits at 15 bits: `a` in 16 bits, the operation in 12, `b` in 16; the result in 32.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.integers import Integers, as_python_integers, chosen, integers, whole, width
from lutsmith.data.alu.operations import ALUNET, Operation, operations
from lutsmith.data.alu.words import from_bits, to_bits
from lutsmith.ground.arguments import check_options, one_of, options_of

TRUE = ("31 ones", "16 ones", "15 ones", "ones", "one")
"""How a truth value that holds is written; at other widths than 15 bits, the names count what they do there:
`31 ones` all output bits but the top one (ALU_Net's code), `16 ones` bits + 1 (its text), `15 ones` as many as bits
(its later code), `ones` all output bits, `one` the lowest. One that does not hold is 0."""

NEGATIVE = ("twos", "raise")
"""What becomes of negative results: two's complement in all output bits, or an error."""

DTYPES = ("uint8", "float32")


@dataclass(frozen=True)
class ExampleEncoding(ABC):
    """Operations and integers as arrays of 0 and 1.

    Attributes:
        bits: the width of the operands.
        ops: the names of the operations, in the order of their code.
        signed: whether operands are in two's complement.
        true: how "true" is written, one of `TRUE`.
        negative: how negative results are handled, one of `NEGATIVE`.
        dtype: of the arrays, "uint8" or "float32".

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: an invalid argument, or a result that has more bits than the outputs.
    """

    bits: int = 15
    ops: Sequence[str] = ALUNET
    _: KW_ONLY
    signed: bool = False
    true: str = "31 ones"
    negative: str = "twos"
    dtype: str = "uint8"

    def __post_init__(self) -> None:
        width(self.bits)
        object.__setattr__(self, "ops", tuple(operation.name for operation in operations(self.ops)))
        for name, known in (("true", TRUE), ("negative", NEGATIVE), ("dtype", DTYPES)):
            one_of(name, getattr(self, name), known)
        for operation in self.operations:
            if operation.result_bits(self.bits) > self.output_bits:
                raise ValueError(
                    f"{operation.name} has results of {operation.result_bits(self.bits)} bits at {self.bits}; "
                    f"this encoding has {self.output_bits}"
                )

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one encoded example."""

    @property
    @abstractmethod
    def output_bits(self) -> int:
        """The bits of one encoded result."""

    @abstractmethod
    def _encode(self, op: NDArray[np.int64], a: Integers, b: Integers) -> NDArray[np.uint8]: ...

    @abstractmethod
    def _operands(self, inputs: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the operations' code, the bits of `a` and those of `b`."""

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in the order of their code."""
        return operations(self.ops)

    @property
    def true_word(self) -> int:
        """The word that stands for "true"."""
        ones = {"31 ones": self.output_bits - 1, "16 ones": self.bits + 1, "15 ones": self.bits, "one": 1}
        return (1 << min(ones.get(self.true, self.output_bits), self.output_bits)) - 1

    def inputs(self, op: Any, a: Any, b: Any = 0) -> NDArray[Any]:
        """Return encoded examples `(N, *input_shape)`.

        Args:
            op: the name of the operation, if all examples have the same; or the place of each one's operation in `ops`,
                integers `(N,)`.
            a: integers `(N,)`, or one.
            b: the second operands, in the same form; 0 for operations with one operand.

        Raises:
            TypeError: what is not an integer.
            ValueError: operands that the width does not hold, or an operation that the encoding does not have.
        """
        places = self._places(op)
        given = (integers(name, value, self.bits, self.signed) for name, value in (("a", a), ("b", b)))
        places, a, b = (np.atleast_1d(array) for array in np.broadcast_arrays(places, *given))
        return self._encode(places, a, b).astype(self.dtype, copy=False)

    def outputs(self, op: Any, z: Any) -> NDArray[Any]:
        """Return encoded results `(N, output_bits)`.

        Args:
            op: as for `inputs`.
            z: the results, integers `(N,)`; 0 or 1 for comparisons and flags.

        Raises:
            TypeError: what is not an integer.
            ValueError: a negative result where `negative="raise"`.
        """
        places, z = (np.atleast_1d(x) for x in np.broadcast_arrays(self._places(op), _results(z)))
        if self.negative == "raise" and (below := np.asarray(z < 0, bool)).any():
            place = int(np.argmax(below))
            raise ValueError(
                f"the result of {self.ops[places[place]]} at place {place} is {z[place]}; negative='twos' takes it"
            )
        bits = to_bits(z, self.output_bits)
        if self.true_word != 1 and self._truths.any():
            truths = self._truths[places]
            bits[truths] = bits[truths, :1] * to_bits(np.array([self.true_word], object), self.output_bits)
        return bits.astype(self.dtype, copy=False)

    def results(self, op: Any, outputs: Any) -> Integers:
        """Return the integers `(N,)` of encoded results; values above 0.5 count as 1. For a truth value the integer is
        -1 where the word is neither that of "true" nor 0.
        """
        places = np.broadcast_to(np.atleast_1d(self._places(op)), len(outputs))
        bits = np.asarray(outputs) > 0.5
        found = from_bits(bits)
        signs = np.array([operation.result_signed(self.signed) for operation in self.operations])[places]
        if signs.any():
            found = chosen(signs, from_bits(bits, True), found)
        if not (truths := self._truths[places]).any():
            return found
        true = to_bits(np.array([self.true_word], object), self.output_bits).astype(bool)
        return chosen(truths, np.where((bits == true).all(axis=1), 1, np.where(bits.any(axis=1), -1, 0)), found)

    def examples(self, inputs: Any) -> tuple[NDArray[np.int64], Integers, Integers]:
        """Return what encoded examples show: the operations' places in `ops`, `a` and `b`, each `(N,)`."""
        code, a, b = self._operands(np.asarray(inputs) > 0.5)
        places = code.argmax(axis=1) if code.shape[1] else np.zeros(len(code), np.int64)
        return places, from_bits(a, self.signed), from_bits(b, self.signed)

    @cached_property
    def _truths(self) -> NDArray[np.bool_]:
        return np.array([operation.is_truth for operation in self.operations])

    @property
    def _codes(self) -> NDArray[np.uint8]:
        return np.eye(len(self.ops), dtype=np.uint8)

    def _places(self, op: Any) -> NDArray[np.int64]:
        if isinstance(op, str):
            return np.array(self.ops.index(one_of("op", op, self.ops)))
        places = np.asarray(op)
        if places.dtype.kind not in "iu":
            raise TypeError(f"op is {op!r}; expected the name of an operation, or places in {', '.join(self.ops)}")
        if places.size and (places.min() < 0 or places.max() >= len(self.ops)):
            raise ValueError(f"op has places {places.min()} .. {places.max()}; expected 0 .. {len(self.ops) - 1}")
        return places


@dataclass(frozen=True)
class FlatEncoding(ExampleEncoding):
    """ALU_Net's: `a` in bits + 1 bits, the operation's code, `b` in bits + 1 bits; results in 2 * (bits + 1) bits."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (2 * (self.bits + 1) + len(self.ops),)

    @property
    def output_bits(self) -> int:
        return 2 * (self.bits + 1)

    def _encode(self, op: NDArray[np.int64], a: Integers, b: Integers) -> NDArray[np.uint8]:
        wide, x = self.bits + 1, np.empty((len(op), *self.input_shape), np.uint8)
        x[:, :wide] = to_bits(a, wide)
        x[:, wide:-wide] = self._codes[op]
        x[:, -wide:] = to_bits(b, wide)
        return x

    def _operands(self, inputs: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        wide = self.bits + 1
        return inputs[:, wide:-wide], inputs[:, :wide], inputs[:, -wide:]


@dataclass(frozen=True)
class WordsEncoding(FlatEncoding):
    """ALU_Net's for attention: `a`, the operation's code and `b` as words of equal length, filled up with 0.

    Each word has as many bits as the longest of them. With `positions` there are three more, which say one-hot which
    word it is: `(3, 19)` at 15 bits. Results are as in `FlatEncoding`.
    """

    _: KW_ONLY
    positions: bool = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        return 3, self._length + 3 * self.positions

    @property
    def _length(self) -> int:
        return max(self.bits + 1, len(self.ops))

    def _encode(self, op: NDArray[np.int64], a: Integers, b: Integers) -> NDArray[np.uint8]:
        x = np.zeros((len(op), *self.input_shape), np.uint8)
        for place, bits in enumerate((to_bits(a, self.bits + 1), self._codes[op], to_bits(b, self.bits + 1))):
            x[:, place, : bits.shape[1]] = bits
        if self.positions:
            x[:, :, self._length :] = np.eye(3, dtype=np.uint8)
        return x

    def _operands(self, inputs: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        wide = self.bits + 1
        return inputs[:, 1, : len(self.ops)], inputs[:, 0, :wide], inputs[:, 2, :wide]


@dataclass(frozen=True)
class SerialEncoding(ExampleEncoding):
    """Bit by bit, lowest first: `(N, bits, 2)`, step i holds bit i of `a` and of `b`, and the code of the operation if
    there are several.

    Results have as many bits as the widest operation's.
    """

    true: str = "one"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.bits, 2 + self._shown

    @property
    def output_bits(self) -> int:
        return max(operation.result_bits(self.bits) for operation in self.operations)

    @property
    def _shown(self) -> int:
        """The bits of the operation's code: none for one operation."""
        return len(self.ops) if len(self.ops) > 1 else 0

    def _encode(self, op: NDArray[np.int64], a: Integers, b: Integers) -> NDArray[np.uint8]:
        x = np.empty((len(op), *self.input_shape), np.uint8)
        over = (slice(None), *(None for _ in self.input_shape[:-1]))
        x[..., 2:] = self._codes[op][over][..., : self._shown]
        first, second = to_bits(a, self.bits), to_bits(b, self.bits)
        x[..., 0] = first if x.ndim == 3 else first[:, None]
        x[..., 1] = second if x.ndim == 3 else second[:, :, None]
        return x

    def _operands(self, inputs: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return inputs[:, 0, 2:], inputs[:, :, 0], inputs[:, :, 1]


@dataclass(frozen=True)
class ArrayEncoding(SerialEncoding):
    """Rows and columns: `(N, bits, bits, 2)`; row j, column i: bit i of `a` and bit j of `b`; else as bit by bit."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.bits, self.bits, 2 + self._shown

    def _operands(self, inputs: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return inputs[:, 0, 0, 2:], inputs[:, 0, :, 0], inputs[:, :, 0, 1]


ENCODINGS: Mapping[str, type[ExampleEncoding]] = MappingProxyType(
    {"flat": FlatEncoding, "words": WordsEncoding, "serial": SerialEncoding, "array": ArrayEncoding}
)
"""The encodings by name."""


def encoding(
    name: str | Mapping[str, Any] = "flat", bits: int = 15, ops: Sequence[str] = ALUNET, signed: bool = False
) -> ExampleEncoding:
    """Return an encoding by its name.

    Args:
        name: one of `ENCODINGS`; with options, a mapping of them and of `name`.
        bits: the width of the operands.
        ops: the names of the operations.
        signed: whether operands are in two's complement.

    Raises:
        TypeError: a name that is not a text.
        ValueError: an unknown name or option; the message lists the known ones.
    """
    options = dict(name) if isinstance(name, Mapping) else {"name": name}
    known_as = one_of("encoding", options.pop("name", "flat"), ENCODINGS)
    kind = ENCODINGS[known_as]
    known = [option for option in options_of(kind) if option not in ("bits", "ops", "signed")]
    check_options(f"the encoding {known_as!r}", options, known)
    return kind(bits, tuple(ops), signed=signed, **options)


def _results(values: Any) -> Integers:
    truths = isinstance(values, np.ndarray) and values.dtype.kind == "b"
    array = whole("z", values.astype(np.int64) if truths else values)
    if array.dtype.kind == "O":
        return as_python_integers(array)
    return array if array.itemsize == 8 else array.astype(np.int64)
