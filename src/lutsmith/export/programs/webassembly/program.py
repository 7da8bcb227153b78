"""`to_webassembly`: a circuit as one WebAssembly module; and the script that makes functions of JavaScript of any."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import MAX_WORD
from lutsmith.circuit.results import Heads
from lutsmith.export.labels import class_names
from lutsmith.export.programs.webassembly import luts
from lutsmith.export.programs.webassembly.binary import Function, module
from lutsmith.export.programs.webassembly.heads import LANES, head_code
from lutsmith.export.programs.webassembly.inputs import LOCALS, encode, item, repeat
from lutsmith.export.programs.webassembly.memory import Memory
from lutsmith.ground.arguments import one_of

Style = Literal["unrolled", "compact"]
STYLES: tuple[Style, ...] = ("unrolled", "compact")

SECTION = "lutsmith"
"""The custom section that tells the layout of the memory, sizes and names, as JSON."""


def to_webassembly(circuit: Circuit, *, style: Style = "unrolled", name: str = "lutsmith") -> bytes:  # noqa: ARG001
    """Return a circuit as a WebAssembly module (version 1, without imports), with bit for bit the same results.

    It works on up to 64 samples at a time, in a memory that it exports as `memory` and that does not grow:

    - `encode(samples)`: rows of features, float32 (samples, F), to bits: an int64 for each input, in which bit i
      belongs to sample i. Words of more than 24 bits are read from int64 (samples, L) of their own;
    - `evaluate()`: these and the registers to the LUTs' signals and the output bits, an int64 for each;
    - `head(samples)`: output bits to scores (votes) and results;
    - `reset()`, `clock()`, of a circuit with registers: initial values, and the end of a cycle.

    The custom section `lutsmith` holds all addresses as JSON: the field `at` has addresses in bytes, `heads` those of
    scores and results. `webassembly_script` reads it.

    Args:
        circuit: any.
        style: "unrolled": straight-line code for the LUTs; "compact": their tables and a loop, a quarter of the size.
        name: has no effect, because a module has no name.

    Raises:
        ExportError: a circuit that takes more than 2 GiB of memory.
        ValueError: another style.
    """
    one_of("style", style, STYLES)
    netlist, features = circuit.netlist, circuit.encoder.num_features
    inputs, registers, outputs = netlist.num_inputs, netlist.num_registers, netlist.outputs.size
    memory = Memory()
    long = np.flatnonzero(circuit.words.formats.bits > MAX_WORD) if circuit.words is not None else np.zeros(0, np.int64)
    at = {
        "rows": memory.reserve(4 * LANES * features),
        "integers": memory.reserve(8 * LANES * long.size),
        "signals": memory.reserve(8 * netlist.num_signals),
        "outputs": memory.reserve(8 * outputs),
        "next": memory.reserve(8 * registers),
    }
    first = at["signals"] + 8 * inputs
    head = head_code(circuit, at["outputs"], memory)
    if style == "unrolled":
        made = luts.straight_line(netlist, at["signals"])
    else:
        made = luts.loop(netlist, at["signals"], memory)
    chunks = {f"luts{place}": each for place, each in enumerate(made)}
    texts = {
        "encode": encode(circuit, at["rows"], at["integers"], at["signals"], memory),
        "evaluate": " ".join(f"call {each}" for each in chunks)
        + _copied(memory, at["signals"] + 8 * netlist.outputs.astype(np.int64), at["outputs"]),
        "head": head.text,
    }
    if registers:
        texts["reset"] = _stored(memory, -netlist.register_init.astype(np.int64), first)
        texts["clock"] = _copied(memory, at["signals"] + 8 * netlist.register_next.astype(np.int64), at["next"])
        texts["clock"] += _copied(memory, at["next"] + 8 * np.arange(registers), first)
    functions = chunks | head.functions()
    calls = (*functions, *texts)
    for each, text in texts.items():
        parameters = {"samples": "i32"} if each in ("encode", "head") else {}
        functions[each] = Function.of(text, parameters, LOCALS if each != "head" else {}, calls)
    told = _told(circuit, long.tolist(), at, head.told)
    custom = {SECTION: json.dumps(told, separators=(",", ":")).encode()}
    return module(functions, tuple(texts), pages=memory.pages, data=memory.data, custom=custom)


def webassembly_script() -> str:
    """Return the script that reads modules of `to_webassembly` in pages and in Node: the same for all of them."""
    return (files("lutsmith.export.programs.webassembly") / "script.js").read_text("utf-8")


def _copied(memory: Memory, sources: Any, to: int) -> str:
    """Return code that copies words of 8 bytes from these addresses to a row of them."""
    if not len(sources):
        return ""
    at = memory.hold(np.asarray(sources).astype(np.uint32))
    copy = f"get i i32.const 3 i32.shl {item(at, 'i')} i64.load 0 i64.store {to}"
    return repeat("i", f"i32.const {len(sources)}", copy)


def _stored(memory: Memory, values: Any, to: int) -> str:
    """Return code that copies constants of 8 bytes to a row of words."""
    at = memory.hold(values)
    copy = f"get i i32.const 3 i32.shl get i i32.const 3 i32.shl i64.load {at} i64.store {to}"
    return repeat("i", f"i32.const {len(values)}", copy)


def _told(circuit: Circuit, long: list[int], at: dict[str, int], heads: list[dict[str, Any]]) -> dict[str, Any]:
    netlist, classes, names = circuit.netlist, class_names(circuit), circuit.schema.names
    integers = []
    if circuit.words is not None:
        formats = circuit.words.formats
        lowest, highest = formats.lowest, formats.highest
        integers = [
            {"feature": int(formats.feature[k]), "lowest": str(lowest[k]), "highest": str(highest[k])} for k in long
        ]
    return {
        "features": circuit.encoder.num_features,
        "inputs": netlist.num_inputs,
        "registers": netlist.num_registers,
        "luts": netlist.num_nodes,
        "outputCount": netlist.outputs.size,
        "classNames": None if classes is None else list(classes),
        "featureNames": None if names is None else list(names),
        "integers": integers,
        "several": isinstance(circuit.head, Heads),
        "heads": heads,
        "at": at,
    }
