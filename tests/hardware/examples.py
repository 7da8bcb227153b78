"""A model that even Verilator's compiler is soon done with."""

from __future__ import annotations

from lutsmith.circuit import Circuit
from tests.circuit.examples import random_circuit


def tiny() -> Circuit:
    """Four LUTs and two classes, on features of eight bits."""
    return random_circuit(1, input_shape=(3,), classes=2, group=2, luts=4)
