"""C by the system's compiler, JavaScript in node, ONNX in onnxruntime: what programs say of rows.

Each runs in a process of its own, which a time limit can stop and a crash cannot take down with it. It writes its
answers to standard output, as arrays without anything between, and more or fewer bytes than those are refused.
Confined, it has no network, starts nothing, and writes nowhere else: `confinement` says how.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.labels import class_names
from lutsmith.export.programs.c.declarations import labels_of
from lutsmith.export.programs.c.interface import interfaces, parameters
from lutsmith.export.programs.c.text import ctype
from lutsmith.ground.strict_json import strict_loads
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.c_answers import c_answers, c_fields, exactly
from lutsmith.hardware.simulation.drivers import NODE_DRIVER, ONNX_DRIVER, c_driver
from lutsmith.hardware.tools.confinement import TOOL, Limits
from lutsmith.hardware.tools.tool import Tool, ToolFailed, ToolMissing
from lutsmith.hardware.tools.toolchain import HARDWARE_EXTRA, find, workspace

WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror")

WORD_BITS = (64, 32)
"""Samples that a header's batch functions may take at once: each is code of its own."""

LANES = {"WebAssembly": (128, 32), "JavaScript": (32,)}
"""The same of JavaScript, with WebAssembly and without; 32 with it too where it has no words of 128 bits."""

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
    """Return what a C header says of rows: by its functions for one sample, and by those for many; of a circuit with a
    state then what steps say of one stream at a time, and of many side by side.

    It is compiled as C99, or as C++, and no warning of `WARNINGS` is let pass; once for each of `WORD_BITS`, which must
    say the same, as must functions that say all at once. The names that it holds must be the circuit's.

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
    circuit: Circuit, script: bytes, rows: NDArray[np.float32], timeout: float, *, confined: bool = False
) -> Answers:
    """Return what a JavaScript module says of rows, in node, with WebAssembly and without, which must be the same.

    The numbers and names that it tells must be the circuit's. Arguments and errors are those of `c_compiler`.
    """
    program = find("node")
    fields = _fields(circuit, len(rows), np.float64, np.float64, np.float64)
    wanted = _module_facts(circuit)
    limits = (
        Limits(threads=True, addresses=False, file=_total(fields) + len(json.dumps(wanted)) + SLACK)
        if confined
        else None
    )
    said = []
    with workspace() as folder:
        (folder / "model.js").write_bytes(script)
        (folder / "driver.js").write_text(NODE_DRIVER)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows, np.float32).tobytes())
        for way, lanes in LANES.items():
            args = ["driver.js", str(rows.shape[1]), str(len(rows)), way]
            data = program.run(args, None, folder, timeout, limits, binary=True).data
            said.append(_answers(circuit, _arrays(fields, data[: _total(fields)], program.name)))
            _check_module(wanted, data[_total(fields) :], lanes)
    problem = said[0].difference(said[1])
    if problem:
        raise ToolFailed(f"without WebAssembly {problem}")
    return said[0]


def onnxruntime(
    circuit: Circuit, model: bytes, rows: NDArray[np.float32], timeout: float, *, confined: bool = False
) -> Answers:
    """Return what an ONNX model says of rows, in onnxruntime; arguments and errors are those of `c_compiler`."""
    from importlib.util import find_spec

    if find_spec("onnxruntime") is None:
        raise ToolMissing(f"onnxruntime is needed and not there. Install it: {HARDWARE_EXTRA}")
    fields = _fields(circuit, len(rows), np.float64, np.bool_, np.int32)
    if circuit.head is not None:
        fields = fields[1:]
        kinds = {"multilabel": ("labels", np.bool_), "regression": ("values", np.float64)}
        decided, dtype = kinds.get(circuit.objective or "", ("label", np.int64))
        fields[-1] = _Field(decided, dtype, fields[-1].shape)
    told = {field.name: [np.dtype(field.dtype).str, list(field.shape)] for field in fields}
    limits = Limits(threads=True, addresses=False, file=_total(fields) + SLACK) if confined else None
    with workspace() as folder:
        (folder / "model.onnx").write_bytes(model)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows, np.float32).tobytes())
        runtime = Tool("onnxruntime", (sys.executable, "-c", ONNX_DRIVER), (), "wheel")
        args = [json.dumps(sys.path), json.dumps(list(rows.shape)), json.dumps(told)]
        data = runtime.run(args, None, folder, timeout, limits, binary=True).data
    arrays = _arrays(fields, data, runtime.name)
    if circuit.head is None:
        return Answers(arrays[0])
    return Answers(None, *arrays)


def prefix_of(header: bytes) -> str:
    """Return the prefix of the functions of a C header, "lutsmith" where it is not clear."""
    match = re.search(rb"\bvoid\s+(\w+)_outputs\s*\(\s*const\b", header, re.ASCII)
    return match[1].decode() if match else "lutsmith"


def _fields(circuit: Circuit, count: int, value: Any, bit: Any, integer: Any = np.int32) -> list[_Field]:
    """Return the arrays that a program gives, where bits, integers and values are of these types."""
    bits = circuit.netlist.outputs.size
    fields = [_Field("outputs", bit, (count, bits))]
    if circuit.head is not None:
        result = circuit.head.decide(circuit.head.scores(np.zeros((0, bits), np.bool_)), circuit.objective)
        kind = {"b": bit, "f": value}.get(result.dtype.kind, integer)
        scores = _Field("scores", integer, (count, circuit.head.num_classes))
        fields += [scores, _Field("results", kind, (count, *result.shape[1:]))]
    return fields


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


def _answers(circuit: Circuit, arrays: Sequence[NDArray[Any]]) -> Answers:
    """Return arrays in the types of a circuit's own answers, which must hold exactly what is there."""
    outputs = exactly("outputs", arrays[0], np.bool_)
    if circuit.head is None:
        return Answers(outputs)
    scores = exactly("scores", arrays[1], np.int32)
    kind: Any = {"multilabel": np.bool_, "regression": np.float64}.get(circuit.objective or "", np.int64)
    return Answers(outputs, scores, exactly("results", arrays[2], kind))


def _other_names(found: bytes, wanted: Sequence[str]) -> str:
    texts = [text.decode("utf-8", "backslashreplace") for text in found.split(b"\0")]
    for text, meant in zip(texts, wanted, strict=False):
        if text != meant:
            return f"the program names {text[:80]!r} where {meant[:80]!r} was expected"
    return f"the program has other names than the {len(wanted)} expected"


def _module_facts(circuit: Circuit) -> dict[str, Any]:
    """Return what a module tells besides functions; null where it should not say it."""
    classes, features = class_names(circuit), circuit.schema.names
    return {
        "features": circuit.encoder.num_features,
        "outputCount": circuit.netlist.outputs.size,
        "scoreCount": None if circuit.head is None else circuit.head.num_classes,
        "classNames": None if classes is None else list(classes),
        "featureNames": None if features is None else list(features),
    }


def _check_module(wanted: dict[str, Any], said: bytes, lanes: Sequence[int]) -> None:
    try:
        found = strict_loads(said.decode())
    except ValueError as error:
        raise ToolFailed(f"the module tells of itself what cannot be read: {error}") from error
    if not isinstance(found, dict) or found.pop("lanes", None) not in lanes:
        raise ToolFailed(f"the module does not say that it takes {' or '.join(map(str, lanes))} samples at once")
    for key, meant in wanted.items():
        if found.get(key) != meant:
            told = json.dumps(found.get(key))[:200]
            raise ToolFailed(f"the module's {key} is {told}, expected {json.dumps(meant)[:200]}")
