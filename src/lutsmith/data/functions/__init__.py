"""Boolean functions given by examples: files of PLA, and the functions of the IWLS 2020 contest."""

from lutsmith.data.functions.iwls import KNOWN, ORACLES, BooleanFunction, KnownFunction, Minterms, load_function
from lutsmith.data.functions.pla import Pla, read_pla, write_pla

__all__ = [
    "KNOWN",
    "ORACLES",
    "BooleanFunction",
    "KnownFunction",
    "Minterms",
    "Pla",
    "load_function",
    "read_pla",
    "write_pla",
]
