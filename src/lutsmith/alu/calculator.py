"""`22 * 33`, computed by a learned circuit: a parser that knows numbers and operations, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lutsmith.alu.device import LearnedALU
from lutsmith.data.alu.operations import operation
from lutsmith.ground.arguments import one_of

_NUMBER = r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*"
_TWO = re.compile(rf"\s*({_NUMBER})\s*([^\s\d]+)\s*({_NUMBER})\s*")
_ONE = re.compile(rf"\s*([^\s\d]+)\s*({_NUMBER})\s*")
_SPELLINGS = {"==": "=", "<>": "!=", "×": "*", "x": "*", "÷": "/", "//": "/", "&": "AND", "|": "OR", "^": "XOR",
              "<<": "SHL", ">>": "SHR", "~": "NOT"}  # fmt: skip
_MAX_DIGITS = 400


@dataclass(frozen=True)
class Calculation:
    """The answer of a circuit to one expression.

    Attributes:
        name: of the operation.
        a: the first operand.
        b: the second one, or None.
        result: the circuit's answer: an integer, or a truth value.
        expected: the true result.
        text: all of it in a line, as ALU_Net prints it, with both binaries where they differ.
    """

    name: str
    a: int
    b: int | None
    result: int
    expected: int
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"operation": self.name, "a": self.a, "b": self.b, "result": self.result, "expected": self.expected}


def calculate(alu: LearnedALU, expression: str) -> Calculation:
    """Evaluate an expression such as `22 * 33`, `0xff AND 0b1010` or `isqrt 81` on a learned ALU.

    Raises:
        TypeError: it is not text.
        ValueError: it is not an operation on one or two numbers, the ALU has not learned it, an operand is too wide, or
            it divides by zero.
    """
    name, a, b = parsed(expression)
    one_of("operation", name, alu.operations)
    truth = operation(name)
    if (b is None) != (truth.arity == 1):
        raise ValueError(f"{name} takes {truth.arity} operand{'s' if truth.arity == 2 else ''}, as in {_example(name)}")
    for operand in (a, b):
        if operand is not None and operand >> alu.bits:
            raise ValueError(f"{operand} has {operand.bit_length()} bits, and the ALU has {alu.bits}")
    if name in {"/", "%"} and b == 0:
        raise ValueError(f"{a} {name} 0 divides by zero; hardware gives a quotient of ones and the remainder {a}")
    expected = truth.evaluate(a, b, alu.bits, zero="raise")
    result = alu.evaluate(name, [a], None if b is None else [b])[0]
    return Calculation(name, a, b, int(result), int(expected), line(name, a, b, int(expected), int(result)))


def parsed(expression: str) -> tuple[str, int, int | None]:
    """Return the operation and the operands of an expression: decimal, 0x and 0b; ValueError where it is not valid."""
    if not isinstance(expression, str):
        raise TypeError(f"the expression is a {type(expression).__name__}, expected a text such as '22 * 33'")
    if match := _TWO.fullmatch(expression):
        left, name, right = match.groups()
        return _SPELLINGS.get(name, name), _number(left), _number(right)
    if match := _ONE.fullmatch(expression):
        name, left = match.groups()
        return _SPELLINGS.get(name, name), _number(left), None
    raise ValueError(f"{expression[:80]!r} is not a calculation; expected two numbers and an operation, as '22 * 33'")


def line(name: str, a: int, b: int | None, expected: int, result: int) -> str:
    """Return a result as ALU_Net prints it: the truth first, both binaries where the result differs."""
    truth = operation(name)
    shown = [_shown(value, truth.is_truth) for value in (expected, result)]
    left = f"{name} {a}" if b is None else f"{a} {name} {b}"
    if expected == result:
        return f"{left} = {shown[0]} == {shown[1]}: OK"
    text = f"{left} = {shown[0]} != {shown[1]}: Error"
    return text if truth.is_truth else f"{text}\n{bin(result)}\n{bin(expected)}"


def _shown(value: int, is_truth: bool) -> str:
    return {0: "False", 1: "True"}.get(value, "undefined") if is_truth else str(value)


def _number(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number has {len(text)} digits; expected at most {_MAX_DIGITS}")
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a number; expected such as 22, 0x16 or 0b10110, without leading zeros"
        ) from None


def _example(name: str) -> str:
    return f"'{name} 22'" if operation(name).arity == 1 else f"'22 {name} 33'"
