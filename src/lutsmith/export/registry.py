"""`FORMATS`: every format by name, what it holds, and the files that it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError
from lutsmith.export.graphviz import to_graphviz
from lutsmith.export.hdl.axi_stream import to_axi_stream
from lutsmith.export.hdl.constraints import Kind, to_constraints
from lutsmith.export.hdl.verilog import to_verilog
from lutsmith.export.hdl.vhdl import to_vhdl
from lutsmith.export.json import to_json_text
from lutsmith.export.logic_formats import to_aiger, to_blif
from lutsmith.export.onnx import to_onnx
from lutsmith.export.programs.c import to_c
from lutsmith.export.programs.javascript import to_javascript
from lutsmith.export.programs.webassembly import to_webassembly, webassembly_script
from lutsmith.logic.words import Words


@dataclass(frozen=True)
class Options:
    """The options of an export. Immutable; the defaults are what every format takes.

    Attributes:
        name: of files, modules and functions.
        words: the form of features: `Words`, the bits of a word, or None for the format's own choice: hardware derives
            words, programs take float32.
        encoder: whether the comparators are part of it.
        head: whether popcounts and the decision are part of it.
        pipeline: registers after every so many levels; None for none.
        primitives: "portable" or "xilinx".
    """

    name: str = "lutsmith"
    words: Words | int | None = None
    encoder: bool = True
    head: bool = True
    pipeline: int | None = None
    primitives: Literal["portable", "xilinx"] = "portable"

    def changed(self) -> dict[str, Any]:
        """Return the options, other than the name, that are not at their defaults."""
        plain = Options()
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "name"}
        return {key: value for key, value in values.items() if value != getattr(plain, key)}


@dataclass(frozen=True)
class Format:
    """One format that circuits are exported to: its name, its files and how they are written.

    Attributes:
        name: what users call it.
        holds: what it is, and which parts of a circuit it holds.
        suffixes: what the names of its files end with, after the name of the export.
        takes: the options besides the name that it uses.
        write: (circuit, name=..., and those options that were given) -> what each file holds, in the order of suffixes.
    """

    name: str
    holds: str
    suffixes: tuple[str, ...]
    takes: frozenset[str]
    write: Callable[..., tuple[str | bytes, ...]]

    def files(self, circuit: Circuit, options: Options | None = None) -> dict[str, bytes]:
        """Return the files of a circuit in this format: {name: bytes}. Nothing is written.

        Raises:
            ExportError: an option that the format does not know, or a circuit that it cannot hold.
            TypeError, ValueError: words or a pipeline that do not fit the circuit.
        """
        chosen = Options() if options is None else options
        given = chosen.changed()
        if unknown := sorted(given.keys() - self.takes):
            shown = ", ".join(f"{key}={given[key]!r}" if isinstance(given[key], (int, str)) else key for key in unknown)
            takes = f"takes {', '.join(sorted(self.takes))}" if self.takes else "takes no options"
            raise ExportError(f"{self.name} takes no {shown}: leave it out; {self.name} {takes}")
        texts = self.write(circuit, name=chosen.name, **given)
        return {
            chosen.name + suffix: text.encode() if isinstance(text, str) else text
            for suffix, text in zip(self.suffixes, texts, strict=True)
        }


_KINDS: tuple[Kind, ...] = ("xdc", "sdc", "lpf", "pcf")


def _one(function: Callable[..., str | bytes], **fixed: Any) -> Callable[..., tuple[str | bytes, ...]]:
    return lambda circuit, **options: (function(circuit, **fixed, **options),)


def _compact(circuit: Circuit, name: str, words: Words | int | None = None) -> tuple[str | bytes, ...]:
    """A program may include both headers, so that they have different names."""
    return (to_c(circuit, words=words, style="compact", name=f"{name}_compact"),)


def _webassembly(circuit: Circuit, name: str) -> tuple[str | bytes, ...]:
    return to_webassembly(circuit, name=name), webassembly_script()


def _constraints(circuit: Circuit, **options: Any) -> tuple[str | bytes, ...]:
    return tuple(to_constraints(circuit, kind=kind, **options) for kind in _KINDS)


def _json(circuit: Circuit, name: str) -> tuple[str | bytes, ...]:  # noqa: ARG001 - a document has no name
    return (to_json_text(circuit),)


_LOGIC = frozenset({"words", "encoder", "head", "pipeline"})
_WORDS = frozenset({"words"})
_NONE: frozenset[str] = frozenset()

FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format(
            "verilog", "Verilog 2001 of encoder, network and head", (".v",), _LOGIC | {"primitives"}, _one(to_verilog)
        ),
        Format("vhdl", "VHDL-93 of encoder, network and head", (".vhd",), _LOGIC | {"primitives"}, _one(to_vhdl)),
        Format("axi-stream", "an AXI4-Stream wrapper of the Verilog", ("_axis.v",), _LOGIC, _one(to_axi_stream)),
        Format(
            "constraints",
            "clocks and pins for vendors' tools",
            tuple(f".{kind}" for kind in _KINDS),
            _LOGIC,
            _constraints,
        ),
        Format("c", "a C99 and C++ header, LUTs as code", (".h",), _WORDS, _one(to_c)),
        Format("c-compact", "a C99 and C++ header, LUTs as small tables", ("_compact.h",), _WORDS, _compact),
        Format("javascript", "one JavaScript file for pages and Node", (".js",), _NONE, _one(to_javascript)),
        Format(
            "webassembly",
            "a WebAssembly module, and the script that reads it",
            (".wasm", "_wasm.js"),
            _NONE,
            _webassembly,
        ),
        Format("onnx", "an ONNX model of standard operators", (".onnx",), _NONE, _one(to_onnx)),
        Format("blif", "encoder, network and head as BLIF", (".blif",), _LOGIC, _one(to_blif)),
        Format("aiger", "encoder, network and head as binary AIGER", (".aig",), _LOGIC, _one(to_aiger)),
        Format("aiger-ascii", "the same as ascii AIGER", (".aag",), _LOGIC, _one(to_aiger, binary=False)),
        Format("json", "the whole circuit, to be read by programs", (".json",), _NONE, _json),
        Format("graphviz", "a picture of a small circuit", (".dot",), _NONE, _one(to_graphviz)),
    )
}
"""Every format by its name, in the order in which they are listed."""
