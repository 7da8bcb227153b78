"""C by the system's compiler, JavaScript and WebAssembly in node, ONNX in onnxruntime: the answers of programs for
rows.

Each runs in a process of its own, so that a time limit can stop it, and a crash ends only that process. It writes its
answers to standard output, as arrays without anything between them; more or fewer bytes are refused. A confined program
has no network, starts no processes, and writes nowhere else: see `confinement`.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import Heads, IntegerHead, Result
from lutsmith.export.labels import class_names
from lutsmith.export.programs.c.declarations import labels_of
from lutsmith.export.programs.c.interface import interfaces, parameters
from lutsmith.export.programs.c.text import ctype
from lutsmith.export.programs.webassembly import webassembly_script
from lutsmith.ground.strict_json import strict_loads
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.c_answers import c_answers, c_fields
from lutsmith.hardware.simulation.drivers import NODE_DRIVER, ONNX_DRIVER, c_driver
from lutsmith.hardware.simulation.leaves import Leaf, assembled, leaves, of_limbs
from lutsmith.hardware.tools.confinement import TOOL, Limits
from lutsmith.hardware.tools.tool import Tool, ToolFailed, ToolMissing
from lutsmith.hardware.tools.toolchain import HARDWARE_EXTRA, find, workspace

WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror")

WORD_BITS = (64, 32)
"""Samples that a header's batch functions may take at once: each is code of its own."""

LANES = {"WebAssembly": (128, 32), "JavaScript": (32,)}
"""The same of JavaScript, with WebAssembly and without; 32 with it too where it has no words of 128 bits."""

MODULE_LANES = {"WebAssembly": (64,)}
"""The same of a WebAssembly module."""

_LOADED = b'module.exports = require("./script.js").load(require("fs").readFileSync("model.wasm"));\n'

NUMBER_BITS = 53
"""Up to so many bits integers are numbers in JavaScript, else BigInts."""

_TYPED = {"f4": "Float32Array", "f8": "Float64Array", "i8": "BigInt64Array", "u8": "BigUint64Array"}
_JAVASCRIPT = {"outputs": "outputs", "scores": "scores", "results": "predict"}
"""The types of rows, and the functions of a module."""

SLACK = 1 << 16
"""Bytes that a program may print beyond its answers: what it says when it fails."""


@dataclass(frozen=True)
class _Field:
    """One array of the answers."""

    name: str
    dtype: Any
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * int(np.dtype(self.dtype).itemsize)


def c_compiler(
    circuit: Circuit,
    header: bytes,
    rows: NDArray[Any],
    timeout: float,
    *,
    name: str = "lutsmith",
    cpp: bool = False,
    numbers: NDArray[np.float32] | None = None,
    streams: int | None = None,
    flags: Sequence[str] = (),
    confined: bool = False,
) -> tuple[Answers, ...]:
    """Return the answers of a C header for rows, by its functions for one sample and by those for many. For a circuit
    with a state, the answers for one stream at a time and for many side by side follow.

    It is compiled as C99, or as C++, and each warning of `WARNINGS` is an error. It is compiled once for each of
    `WORD_BITS`, and the answers must be the same, also those of functions that return all answers at once. The names
    that it holds must be the circuit's.

    Args:
        circuit: whose shapes, names and objective the header should have.
        header: as `export.to_c` makes it.
        rows: float32 (N, F), or words, unsigned (N, F), for a header of words.
        timeout: seconds, to compile and to run each.
        name: the prefix of its functions.
        cpp: compile it as C++.
        numbers: float32 (N, F), for a header of words: its function from numbers to words must make `rows` of them.
        streams: of a circuit with a state, how many streams of equally many samples the rows are, one after the other.
        flags: further options of the compiler.
        confined: whether the header comes from elsewhere.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: no compiler, or nothing can be confined here; too slow; it is refused, or
            the program fails, or it says what no such header says.
    """
    compiler = find("c++" if cpp else "cc")
    element: Any = np.float32 if rows.dtype == np.float32 else np.uint64 if rows.dtype == np.uint64 else np.uint32
    labels = labels_of(circuit)
    texts = [text for values in labels.values() for text in values]
    strings = b"".join(text.encode("utf-8", "backslashreplace") + b"\0" for text in texts)
    has_state = circuit.netlist.num_registers > 0
    whole = not has_state and len(interfaces(circuit)) > 1
    passes = 2 * (1 + (whole or (has_state and bool(streams))))
    own = [_Field(*told) for told in c_fields(circuit, len(rows))]
    fields = own * passes
    if numbers is not None:
        fields.append(_Field("words", element, rows.shape))
    fields.append(_Field("names", np.uint8, (len(strings),)))
    driver = c_driver(
        name,
        ctype(np.dtype(element)),
        {key: len(values) for key, values in labels.items()},
        parameters(circuit, many=False),
        whole=whole,
        streams=streams if has_state else None,
        quantise=numbers is not None,
    )
    said = []
    with workspace() as folder:
        (folder / "model.h").write_bytes(header)
        source = "driver.cpp" if cpp else "driver.c"
        (folder / source).write_text(driver)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows, element).tobytes())
        if numbers is not None:
            (folder / "numbers.bin").write_bytes(np.ascontiguousarray(numbers, np.float32).tobytes())
        standard = "-std=c++11" if cpp else "-std=c99"
        for bits in WORD_BITS:
            options = [standard, "-O1", *WARNINGS, *flags, f"-D{name.upper()}_WORD_BITS={bits}"]
            compiler.run([*options, source, "-o", "driver", "-lm"], None, folder, timeout, TOOL if confined else None)
            program = Tool("the compiled C", (str(folder / "driver"),), (), "C")
            limits = Limits(file=_total(fields) + SLACK) if confined else None
            data = program.run([str(len(rows))], None, folder, timeout, limits, binary=True).data
            said.append(_arrays(fields, data, program.name))
    for arrays in said:
        if arrays[-1].tobytes() != strings:
            raise ToolFailed(_other_names(arrays[-1].tobytes(), texts))
        if numbers is not None and not np.array_equal(arrays[-2], rows):
            raise ToolFailed(f"{name}_quantise makes other words of numbers than those expected")
    starts = range(0, passes * len(own), len(own))
    answers = [[c_answers(circuit, arrays[start : start + len(own)]) for start in starts] for arrays in said]
    for first, other in zip(*answers, strict=True):
        problem = first.difference(other)
        if problem:
            raise ToolFailed(f"compiled for words of 32 bits, not 64, {problem}")
    given = answers[0]
    if whole:
        for first, other in zip(given[:2], given[2:], strict=True):
            problem = first.difference(other)
            if problem:
                raise ToolFailed(f"{name}_evaluate says otherwise: {problem}")
    return tuple(given[:2] if whole else given)


def node(
    circuit: Circuit,
    script: bytes,
    rows: NDArray[Any],
    timeout: float,
    *,
    streams: int = 0,
    confined: bool = False,
) -> Answers:
    """Return the answers of a JavaScript module for rows, in node, with and without WebAssembly, which must agree.

    The numbers and names in it must be the circuit's. Other arguments and errors are those of `c_compiler`.

    Args:
        circuit: see there.
        script: as `export.to_javascript` makes it.
        rows: (N, F), float32, or float64, int64 or uint64 where words are longer than float32 holds.
        timeout: see there.
        streams: of a circuit with registers, how many streams the rows are, one after the other; each function is asked
            of streams of its own. 0: every row is a first cycle.
        confined: see there.
    """
    said = _in_node(circuit, {"model.js": script}, LANES, rows, timeout, streams, confined)
    problem = said[0].difference(said[1])
    if problem:
        raise ToolFailed(f"without WebAssembly {problem}")
    return said[0]


def webassembly(
    circuit: Circuit,
    module: bytes,
    rows: NDArray[Any],
    timeout: float,
    *,
    streams: int = 0,
    confined: bool = False,
) -> Answers:
    """Return the answers of a WebAssembly module for rows, in node, by `export.webassembly_script`.

    The numbers and names in it must be the circuit's. Arguments and errors are those of `node`.
    """
    files = {"model.wasm": module, "script.js": webassembly_script().encode(), "model.js": _LOADED}
    (said,) = _in_node(circuit, files, MODULE_LANES, rows, timeout, streams, confined)
    return said


def _in_node(
    circuit: Circuit,
    files: Mapping[str, bytes],
    ways: Mapping[str, Sequence[int]],
    rows: NDArray[Any],
    timeout: float,
    streams: int,
    confined: bool,
) -> list[Answers]:
    """Return what `model.js` among some files says of rows, with WebAssembly and without as it is asked for."""
    program = find("node")
    some = leaves(circuit)
    limbs = [leaf.bits // 64 + 1 if leaf.bits > NUMBER_BITS else 0 for leaf in some]
    fields = [
        _Field(leaf.name, np.uint64 if size else np.float64, (len(rows), *leaf.shape, *[size] * bool(size)))
        for leaf, size in zip(some, limbs, strict=True)
    ]
    asked = [[_JAVASCRIPT[leaf.answer], leaf.path, size] for leaf, size in zip(some, limbs, strict=True)]
    wanted = _module_facts(circuit)
    limits = (
        Limits(threads=True, addresses=False, file=_total(fields) + len(json.dumps(wanted)) + SLACK)
        if confined
        else None
    )
    said = []
    order = _by_cycles(len(rows), streams)
    with workspace() as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / "driver.js").write_text(NODE_DRIVER)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows[order]).tobytes())
        for way, lanes in ways.items():
            sizes = [rows.shape[1], len(rows), streams]
            args = ["driver.js", *map(str, sizes), way, _TYPED[rows.dtype.str[1:]], json.dumps(asked)]
            data = program.run(args, None, folder, timeout, limits, binary=True).data
            arrays = _arrays(fields, data[: _total(fields)], program.name)
            for place, (leaf, size) in enumerate(zip(some, limbs, strict=True)):
                back = _put_back(arrays[place], order)
                arrays[place] = of_limbs(leaf, back) if size else back
            said.append(assembled(some, arrays))
            _check_module(wanted, data[_total(fields) :], lanes)
    return said


def onnxruntime(
    circuit: Circuit,
    model: bytes,
    rows: NDArray[np.float32],
    timeout: float,
    *,
    streams: int = 0,
    confined: bool = False,
) -> Answers:
    """Return the answers of an ONNX model for rows, in onnxruntime; arguments and errors are those of `node`."""
    from importlib.util import find_spec

    if find_spec("onnxruntime") is None:
        raise ToolMissing(f"onnxruntime is needed and not there. Install it: {HARDWARE_EXTRA}")
    some = [leaf for leaf in leaves(circuit) if circuit.head is None or leaf.answer != "outputs"]
    fields = [_Field(leaf.name, leaf.dtype, (len(rows), *leaf.shape)) for leaf in some]
    told = {
        _onnx_name(circuit, leaf): [field.dtype.str, list(field.shape)]
        for leaf, field in zip(some, fields, strict=True)
    }
    limits = Limits(threads=True, addresses=False, file=_total(fields) + SLACK) if confined else None
    order = _by_cycles(len(rows), streams)
    with workspace() as folder:
        (folder / "model.onnx").write_bytes(model)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows[order], np.float32).tobytes())
        runtime = Tool("onnxruntime", (sys.executable, "-c", ONNX_DRIVER), (), "wheel")
        state = [circuit.netlist.register_init.tolist(), streams]
        args = [json.dumps(value) for value in (sys.path, list(rows.shape), told, state)]
        data = runtime.run(args, None, folder, timeout, limits, binary=True).data
    return assembled(some, [_put_back(array, order) for array in _arrays(fields, data, runtime.name)])


def _onnx_name(circuit: Circuit, leaf: Leaf) -> str:
    """Return what an output of a model is called."""
    prefix = f"{leaf.path[0]}." if isinstance(circuit.head, Heads) else ""
    if leaf.word is not None:
        return f"{prefix}words.{leaf.word.name}"
    decided = {"b": "labels", "f": "values"}.get(leaf.dtype.kind, "label")
    return prefix + (leaf.answer if leaf.answer != "results" else decided)


def _by_cycles(count: int, streams: int) -> NDArray[np.intp]:
    """Return the order of rows cycle by cycle, of rows that are streams one after the other; 0 leaves them."""
    return np.arange(count).reshape(streams, -1).T.reshape(-1) if streams else np.arange(count)


def _put_back(array: NDArray[Any], order: NDArray[np.intp]) -> NDArray[Any]:
    back = np.empty_like(array)
    back[order] = array
    return back


def prefix_of(header: bytes) -> str:
    """Return the prefix of the functions of a C header, "lutsmith" where it is not clear."""
    match = re.search(rb"\bvoid\s+(\w+)_outputs\s*\(\s*const\b", header, re.ASCII)
    return match[1].decode() if match else "lutsmith"


def _total(fields: Sequence[_Field]) -> int:
    return sum(field.size for field in fields)


def _arrays(fields: Sequence[_Field], data: bytes, program: str) -> list[NDArray[Any]]:
    if len(data) != _total(fields):
        raise ToolFailed(f"{program} wrote {len(data):,} bytes of answers, expected {_total(fields):,}")
    arrays, start = [], 0
    for field in fields:
        values = np.frombuffer(data[start : start + field.size], field.dtype)
        arrays.append(values.reshape(field.shape))
        start += field.size
    return arrays


def _other_names(found: bytes, wanted: Sequence[str]) -> str:
    texts = [text.decode("utf-8", "backslashreplace") for text in found.split(b"\0")]
    for text, meant in zip(texts, wanted, strict=False):
        if text != meant:
            return f"the program names {text[:80]!r} where {meant[:80]!r} was expected"
    return f"the program has other names than the {len(wanted)} expected"


def _module_facts(circuit: Circuit) -> dict[str, Any]:
    """Return what a module tells besides functions; null where it should not say it."""
    classes, features, head = class_names(circuit), circuit.schema.names, circuit.head
    single = (
        _head_facts(Result(head, circuit.netlist.outputs.size, circuit.objective, circuit.classes))
        if isinstance(head, (Head, IntegerHead))
        else {}
    )
    heads = {name: _head_facts(part) for name, part in head.items()} if isinstance(head, Heads) else None
    return {
        "features": circuit.encoder.num_features,
        "outputCount": circuit.netlist.outputs.size,
        "scoreCount": single.get("scoreCount"),
        "classNames": None if classes is None else list(classes),
        "featureNames": None if features is None else list(features),
        "shape": single["shape"] if single and (single["shape"] or "words" in single) else None,
        "words": single.get("words"),
        "heads": heads,
    }


def _head_facts(part: Result) -> dict[str, Any]:
    """Return what a module tells of a head."""
    shape = list(part.head.shape)
    if isinstance(part.head, IntegerHead):
        return {"shape": shape, "words": [asdict(word) for word in part.head.words]}
    names = None if part.classes is None else list(map(str, part.classes))
    task = part.objective or "classification"
    return {"shape": shape, "scoreCount": part.head.num_classes, "task": task, "classNames": names}


def _check_module(wanted: dict[str, Any], said: bytes, lanes: Sequence[int]) -> None:
    try:
        found = strict_loads(said.decode())
    except ValueError as error:
        raise ToolFailed(f"what the module says about itself cannot be read: {error}") from error
    if not isinstance(found, dict) or found.pop("lanes", None) not in lanes:
        raise ToolFailed(f"the module does not say that it takes {' or '.join(map(str, lanes))} samples at once")
    for key, meant in wanted.items():
        if found.get(key) != meant:
            told = json.dumps(found.get(key))[:200]
            raise ToolFailed(f"the module's {key} is {told}, expected {json.dumps(meant)[:200]}")
