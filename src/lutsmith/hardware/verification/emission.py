"""The files of each format that a verification looks at, as the exports write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lutsmith.circuit.circuit import Circuit
from lutsmith.hardware.verification.modules import port_bits
from lutsmith.logic.design import Design
from lutsmith.logic.words import Words

Primitives = Literal["portable", "xilinx"]


@dataclass(frozen=True)
class Options:
    """How a circuit is exported.

    Attributes:
        words: what the features come as, for programs in C; None is float.
        primitives: of what LUTs are made in Verilog and VHDL.
    """

    words: Words | int | None = None
    primitives: Primitives = "portable"


def _blif(design: Design) -> dict[str, bytes]:
    from lutsmith.formats import to_blif

    flat = design.flat()
    inputs, outputs = list(port_bits(flat.inputs)), list(port_bits(flat.outputs))
    return {f"{design.name}.blif": to_blif(flat.netlist, name=design.name, inputs=inputs, outputs=outputs).encode()}


def _aiger(design: Design) -> dict[str, bytes]:
    from lutsmith.formats import to_aiger

    flat = design.flat()
    inputs, outputs = list(port_bits(flat.inputs)), list(port_bits(flat.outputs))
    return {f"{design.name}.aig": to_aiger(flat.netlist, inputs=inputs, outputs=outputs)}


def _json(circuit: Circuit, design: Design) -> dict[str, bytes]:
    from lutsmith.export import to_json

    return {f"{design.name}.json": to_json(circuit).encode()}


def _verilog(design: Design, options: Options) -> dict[str, bytes]:
    from lutsmith.export import verilog_of

    return {f"{design.name}.v": verilog_of(design, primitives=options.primitives).encode()}


def _vhdl(design: Design, options: Options) -> dict[str, bytes]:
    from lutsmith.export import vhdl_of

    return {f"{design.name}.vhd": vhdl_of(design, primitives=options.primitives).encode()}


def _c(circuit: Circuit, design: Design, options: Options) -> dict[str, bytes]:
    from lutsmith.export import to_c

    styles: tuple[Literal["unrolled", "compact"], ...] = ("unrolled", "compact")
    return {
        f"{design.name}_{style}.h": to_c(circuit, words=options.words, style=style, name=design.name).encode()
        for style in styles
    }


def _javascript(circuit: Circuit, design: Design) -> dict[str, bytes]:
    from lutsmith.export import to_javascript

    return {f"{design.name}.js": to_javascript(circuit, name=design.name).encode()}


def _onnx(circuit: Circuit, design: Design) -> dict[str, bytes]:
    from lutsmith.export import to_onnx

    return {f"{design.name}.onnx": to_onnx(circuit, name=design.name)}


EMITTERS: Mapping[str, Callable[[Circuit, Design, Options], dict[str, bytes]]] = {
    "blif": lambda _, design, __: _blif(design),
    "aiger": lambda _, design, __: _aiger(design),
    "json": lambda circuit, design, _: _json(circuit, design),
    "verilog": lambda _, design, options: _verilog(design, options),
    "vhdl": lambda _, design, options: _vhdl(design, options),
    "c": _c,
    "javascript": lambda circuit, design, _: _javascript(circuit, design),
    "onnx": lambda circuit, design, _: _onnx(circuit, design),
}
"""From circuit, design and options to files, for each format that can be verified."""
