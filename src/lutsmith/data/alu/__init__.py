"""Arithmetic as data: operations, encodings, samplers and endless streams of examples. Needs NumPy only."""

from lutsmith.data.alu.encodings import ENCODINGS, ExampleEncoding, encoding
from lutsmith.data.alu.operations import ALUNET, OPERATIONS, Operation, operation, operations, register
from lutsmith.data.alu.parts import PARTS, part_of
from lutsmith.data.alu.samplers import EDGES, SAMPLERS, draw
from lutsmith.data.alu.stream import ALU, PRE_WEIGHTS, EncodedExamples, Stream

__all__ = [
    "ALU",
    "ALUNET",
    "EDGES",
    "ENCODINGS",
    "OPERATIONS",
    "PARTS",
    "PRE_WEIGHTS",
    "SAMPLERS",
    "EncodedExamples",
    "ExampleEncoding",
    "Operation",
    "Stream",
    "draw",
    "encoding",
    "operation",
    "operations",
    "part_of",
    "register",
]
