"""What an ALU computes: operations by name, exact at every width, unsigned and signed.

An operation is a function on Python integers. Its value is cut to the width of its result: the result is the integer
that the low bits stand for, in two's complement where results are signed. Nothing is lost where the result is wide
enough: `+` and `-` have one bit more than the operands, `*` twice as many.

Other libraries may choose differently here:

- Division truncates toward zero and the remainder has the sign of `a`, as in RISC-V and C; for unsigned numbers that is
  floor division. The lowest number divided by -1 is itself, with remainder 0, as in RISC-V: its negative does not fit.
- In `a / 0` all result bits are 1, and `a % 0` is `a`, as in RISC-V and in a restoring divider. In `isqrt` of a
  negative number all result bits are 1 too. Such points are *undefined*; `zero="raise"` refuses them, `zero="skip"`
  drops them.
- `-` and `neg` are signed even where operands are not.
- Shifts and rotations read `b` as an unsigned word. A shift by the width or more leaves nothing, or copies of the sign;
  a rotation is by `b` modulo the width. `SHR` is arithmetic where operands are signed.
- `C Z N V` describe the sum of the two words, with carry in 0. C: there is a carry out of the top bit. Z: all `bits`
  low bits of the sum are 0. N: the top one of them is 1. V: the signed sum does not fit, that is, operands of equal
  sign give a sum of the other sign. They read words, so they are the same for signed and unsigned operands.
- `popcount` counts the ones of the word. `gcd` is of absolute values, `gcd(0, 0)` is 0.
"""
# ruff: noqa: ARG001, ARG005 - every function takes the width

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.integers import Integers, as_python_integers, integers, narrowed, width
from lutsmith.ground.arguments import instance_of, one_of, whole_number

ZERO = ("ones", "raise", "skip")
"""What becomes of points where an operation is undefined, such as division by zero."""

Signs = Literal["operands", "always", "never"]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Operation:
    """An operation on one or two integers of a width.

    Attributes:
        name: how it is written, such as `+` or `AND`.
        arity: the number of operands, 1 or 2.
        function: the exact operation, as a function of the operands (Python integers) and the width.
        width_of: the bits of the result, as a function of the width of the operands.
        signs: whether results are signed: "operands" (as these are), "always" or "never".
        is_truth: whether it is a comparison or flag: its result is 0 or 1, which encodings may write differently.
        on_arrays: the same function on int64 arrays; None where there is no faster one.
        undefined: whether operands have no mathematical result, as a function of them; None: they always have one.
        otherwise: the result at undefined points, in the form that `function` returns: -1 is all ones.
    """

    name: str
    arity: int
    function: Function
    width_of: Callable[[int], int] = lambda bits: bits
    signs: Signs = "operands"
    is_truth: bool = False
    on_arrays: Function | None = None
    undefined: Function | None = None
    otherwise: Function | None = None

    def result_bits(self, bits: int, signed: bool = False) -> int:  # noqa: ARG002 - the same in both modes
        """Return how many bits the result has for operands of `bits` bits."""
        return self.width_of(width(bits))

    def result_signed(self, signed: bool = False) -> bool:
        """Return whether the result is in two's complement."""
        return signed if self.signs == "operands" else self.signs == "always"

    def defined(self, a: Integers, b: Integers | None = None) -> NDArray[np.bool_]:
        """Return for each point whether the operation is defined: `b` is not 0 in a division."""
        if self.undefined is None:
            return np.ones(a.shape, bool)
        return ~np.asarray(self.undefined(a, b) if self.arity == 2 else self.undefined(a), bool)

    def evaluate(self, a: Any, b: Any = None, bits: int = 15, signed: bool = False, zero: str = "ones") -> Any:
        """Return the results, exactly.

        Args:
            a: integers: one, a list, or an array of an integer dtype or of Python's integers.
            b: the second operand, of a shape that broadcasts with that of `a`; None for operations with one operand.
            bits: the width of the operands.
            signed: whether operands are in two's complement, from `-2**(bits - 1)`.
            zero: how undefined points are handled: "ones" (as in hardware, see above), "raise", or "skip": only the
                other points have results, in order, along one axis.

        Returns:
            An array of the operands' shape: int64, uint64 for unsigned results of 64 bits, Python integers for wider
            results. A Python integer if every operand is a single integer.

        Raises:
            TypeError: operands that are not integers.
            ValueError: operands that the width does not hold, a missing or superfluous `b`, a width below 1, an
                undefined point with `zero="raise"`.
        """
        bits = width(bits)
        one_of("zero", zero, ZERO)
        if (b is None) != (self.arity == 1):
            raise ValueError(f"{self.name} has {'one operand: leave b out' if self.arity == 1 else 'two operands'}")
        given = [integers("a", a, bits, signed)]
        if b is not None:
            given = list(np.broadcast_arrays(*given, integers("b", b, bits, signed)))
        alone = given[0].ndim == 0
        given = list(map(np.atleast_1d, given))
        holds = self.defined(*given)
        if not holds.all():
            if zero == "raise":
                place = int(np.argmin(holds.reshape(-1)))
                shown = [str(operand.reshape(-1)[place]) for operand in given]
                raise ValueError(f"{self.name} is undefined at {', '.join(shown)}; zero='ones' gives hardware's result")
            if zero == "skip":
                given = [operand[holds] for operand in given]
        result = self.results(given, bits, signed)
        return int(result[0]) if alone and len(result) else result

    def results(self, operands: list[Integers], bits: int, signed: bool) -> Integers:
        """Return what `evaluate` returns, for arrays of equal shape, with one axis or more, that were already
        checked.
        """
        wide = self.result_bits(bits, signed)
        quick = self.on_arrays is not None and bits <= 62 and wide <= 63
        if not quick:
            operands = [as_python_integers(operand) for operand in operands]
        function = self.on_arrays if quick else self._one_by_one
        assert function is not None
        with np.errstate(all="ignore"):
            if self.undefined is None:
                return self._narrowed(function(*operands, bits), wide, signed)
            holds = self.defined(*operands)
            safe = [np.where(holds, operand, 1) for operand in operands] if not holds.all() else operands
            found = self._narrowed(function(*safe, bits), wide, signed)
            if self.otherwise is None or holds.all():
                return found
            return np.where(holds, found, self._narrowed(self.otherwise(*operands, bits), wide, signed))

    def _narrowed(self, found: Any, wide: int, signed: bool) -> Integers:
        return narrowed(found, wide, self.result_signed(signed))

    def _one_by_one(self, *given: Any) -> NDArray[Any]:
        bits = given[-1]
        found = np.frompyfunc(lambda *operands: int(self.function(*operands, bits)), self.arity, 1)(*given[:-1])
        return np.asarray(found, object)


def _mask(bits: int) -> int:
    return (1 << bits) - 1


def _quotient(a: int, b: int, bits: int) -> int:
    return abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)


def _quotients(a: Integers, b: Integers, bits: int) -> Integers:
    floor = a // b
    below = floor < 0
    return floor + (below & (floor * b != a)) if below.any() else floor


def _roots(a: Integers, bits: int) -> Integers:
    root = np.sqrt(a.astype(np.float64)).astype(np.int64)
    root = root - (root * root > a)
    return root + ((root + 1) * (root + 1) <= a)


def _rotated(a: Any, by: Any, bits: int) -> Any:
    word = a & _mask(bits)
    return word << by | word >> (bits - by)


def _left(a: Any, b: Any, bits: int) -> Any:
    return _rotated(a, (b & _mask(bits)) % bits, bits)


def _right(a: Any, b: Any, bits: int) -> Any:
    return _rotated(a, -(b & _mask(bits)) % bits, bits)


def _carry(a: Any, b: Any, bits: int) -> Any:
    return ((a & _mask(bits)) + (b & _mask(bits))) >> bits


def _overflow(a: Any, b: Any, bits: int) -> Any:
    total = a + b
    return ((a ^ total) & (b ^ total)) >> (bits - 1) & 1


def _alike(name: str, arity: int, function: Function, **options: Any) -> Operation:
    """Return an operation whose function reads the same on integers and on arrays of them."""
    return Operation(name, arity, function, on_arrays=function, **options)


def _truth(name: str, function: Function) -> Operation:
    return _alike(name, 2, function, width_of=lambda bits: 1, signs="never", is_truth=True)


_FIRST = (
    _alike("+", 2, lambda a, b, bits: a + b, width_of=lambda bits: bits + 1),
    _alike("-", 2, lambda a, b, bits: a - b, width_of=lambda bits: bits + 1, signs="always"),
    _alike("*", 2, lambda a, b, bits: a * b, width_of=lambda bits: 2 * bits),
    Operation("/", 2, _quotient, on_arrays=_quotients, undefined=lambda a, b: b == 0,
              otherwise=lambda a, b, bits: 0 * a - 1),
    Operation("%", 2, lambda a, b, bits: a - b * _quotient(a, b, bits), on_arrays=lambda a, b, bits: np.fmod(a, b),
              undefined=lambda a, b: b == 0, otherwise=lambda a, b, bits: a),
    _alike("AND", 2, lambda a, b, bits: a & b),
    _alike("OR", 2, lambda a, b, bits: a | b),
    _alike("XOR", 2, lambda a, b, bits: a ^ b),
    _truth(">", lambda a, b, bits: a > b),
    _truth("<", lambda a, b, bits: a < b),
    _truth("=", lambda a, b, bits: a == b),
    _truth("!=", lambda a, b, bits: a != b),
)  # fmt: skip

_FURTHER = (
    _truth("<=", lambda a, b, bits: a <= b),
    _truth(">=", lambda a, b, bits: a >= b),
    _alike("NOT", 1, lambda a, bits: ~a),
    _alike("NAND", 2, lambda a, b, bits: ~(a & b)),
    _alike("NOR", 2, lambda a, b, bits: ~(a | b)),
    Operation("SHL", 2, lambda a, b, bits: a << min(b & _mask(bits), bits),
              on_arrays=lambda a, b, bits: (a & _mask(bits)) << np.minimum(b & _mask(bits), bits)),
    Operation("SHR", 2, lambda a, b, bits: a >> min(b & _mask(bits), bits),
              on_arrays=lambda a, b, bits: a >> np.minimum(b & _mask(bits), bits)),
    _alike("ROL", 2, _left),
    _alike("ROR", 2, _right),
    Operation("min", 2, lambda a, b, bits: min(a, b), on_arrays=lambda a, b, bits: np.minimum(a, b)),
    Operation("max", 2, lambda a, b, bits: max(a, b), on_arrays=lambda a, b, bits: np.maximum(a, b)),
    _alike("abs", 1, lambda a, bits: abs(a), signs="never"),
    _alike("neg", 1, lambda a, bits: -a, width_of=lambda bits: bits + 1, signs="always"),
    Operation("gcd", 2, lambda a, b, bits: math.gcd(a, b), signs="never", on_arrays=lambda a, b, bits: np.gcd(a, b)),
    Operation("isqrt", 1, lambda a, bits: math.isqrt(a), width_of=lambda bits: (bits + 1) // 2, signs="never",
              on_arrays=_roots, undefined=lambda a: a < 0, otherwise=lambda a, bits: 0 * a - 1),
    Operation("popcount", 1, lambda a, bits: (a & _mask(bits)).bit_count(),
              width_of=lambda bits: bits.bit_length(), signs="never"),
    _truth("C", _carry),
    _truth("Z", lambda a, b, bits: (a + b) & _mask(bits) == 0),
    _truth("N", lambda a, b, bits: (a + b) >> (bits - 1) & 1),
    _truth("V", _overflow),
)  # fmt: skip

_operations = {operation.name: operation for operation in (*_FIRST, *_FURTHER)}
BUILT_IN = tuple(_operations)
"""The names of the operations that there are without `register`."""
OPERATIONS: Mapping[str, Operation] = MappingProxyType(_operations)
"""The operations by name; `register` adds to them."""
ALUNET = tuple(operation.name for operation in _FIRST)
"""The twelve operations of ALU_Net, in the order of its one-hot code."""


def operation(name: str) -> Operation:
    """Return an operation by its name.

    Raises:
        TypeError: the name is not a text.
        ValueError: there is no operation of this name; the message lists the known ones.
    """
    return _operations[one_of("operation", name, _operations)]


def operations(valid_ops: Iterable[str] | str | None = None) -> tuple[Operation, ...]:
    """Return operations by their names, in the order given; None: the twelve of ALU_Net. A text is one name.

    Raises:
        TypeError: a name is not a text.
        ValueError: unknown names (one message for all), a name twice, or no name at all.
    """
    names = list(ALUNET if valid_ops is None else (valid_ops,) if isinstance(valid_ops, str) else valid_ops)
    unknown = [name for name in names if isinstance(name, str) and name not in _operations]
    if len(unknown) > 1:
        raise ValueError(f"operations are {', '.join(map(repr, unknown))}; expected ones of {', '.join(_operations)}")
    found = tuple(map(operation, names))
    if not found:
        raise ValueError("no operations were given; expected one or more names, or None: the twelve of ALU_Net")
    if len(set(names)) < len(names):
        raise ValueError(f"operations are {', '.join(names)}; expected each once")
    return found


def register(
    name: str,
    function: Callable[..., int],
    arity: int = 2,
    result_bits: Callable[[int], int] = lambda bits: bits,
    *,
    result_signed: Signs = "operands",
    is_truth: bool = False,
) -> Operation:
    """Add an operation of your own, for this process, and return it.

    Args:
        name: how it is written; without spaces.
        function: `function(a, b, width)`, or `function(a, width)`, on Python's integers; the low bits of what it
            returns are the result.
        arity: of how many operands, 1 or 2.
        result_bits: the bits of the result, of the width of the operands; of a truth value it is 1.
        result_signed: whether results are signed: "operands" (as these are), "always" or "never".
        is_truth: whether it is a comparison.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: there is an operation of this name, or an argument that cannot be.
    """
    instance_of("name", name, str)
    if not name or name.split() != [name]:
        raise ValueError(f"name is {name!r}; expected a text without spaces")
    if name in _operations:
        raise ValueError(f"there is an operation {name!r} already; give yours another name")
    if not callable(function) or not callable(result_bits):
        raise TypeError("function and result_bits have to be functions")
    one_of("result_signed", result_signed, ("operands", "always", "never"))
    whole_number("arity", arity, 1, 2)
    if is_truth:
        result_bits, result_signed = (lambda bits: 1), "never"
    _operations[name] = Operation(name, arity, function, result_bits, result_signed, is_truth)
    return _operations[name]
