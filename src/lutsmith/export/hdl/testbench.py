"""A SystemVerilog test bench: samples go in, and every word of the results is compared with the circuit's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import SLICE, Circuit
from lutsmith.circuit.rows import as_rows
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.errors import ExportError
from lutsmith.export.hdl.names import in_verilog
from lutsmith.logic.design import Design, Port
from lutsmith.logic.heads import words_at_ports

MARK = 0xA
"""The first digit of each line of vectors: a bench that reads something else fails."""

_OWN = ("vectors", "vector", "expected", "cycle", "word", "words", "mismatches", "file", "handle", "first", "dut")
"""Names in the bench."""


def to_testbench(circuit: Circuit, X: ArrayLike, **options: Unpack[DesignOptions]) -> dict[str, bytes]:
    """Return a bench for the Verilog or the xilinx form of a circuit, and its vectors.

    The expected results come from `circuit` itself, on the numbers that the words of X stand for, not from the logic
    that the Verilog was written from. For a circuit with registers, the samples are the cycles of one run.

    Args:
        circuit: as it was exported.
        X: (N, *input_shape) or (N, F) numbers, at least one sample.
        **options: those that the Verilog was written with: words, encoder, head, pipeline and name.

    Returns:
        `<name>_tb.sv` and `<name>_vectors.hex`, as of `testbench_of`.

    Raises:
        ExportError: a name that Verilog does not allow, or no samples.
        TypeError, ValueError: what `designed` refuses, or X is not an array of samples.
    """
    design = designed(circuit, **options)
    rows = as_rows(X, circuit.input_shape)
    entering, leaving = _empty(design.inputs), _empty(design.outputs)
    state = circuit.netlist.register_init
    step = 1 if state.size else SLICE  # with a state, each sample meets what the one before has left
    for start in range(0, len(rows), step):
        part, state = _words(circuit, design, rows[start : start + step], state)
        for columns, made in zip((entering, leaving), part, strict=True):
            for port, values in made.items():
                columns[port].append(values)
    return testbench_of(design, _stacked(entering), _stacked(leaving))


def testbench_of(
    design: Design, inputs: Mapping[str, ArrayLike], expected: Mapping[str, ArrayLike]
) -> dict[str, bytes]:
    """Return a bench for the Verilog of a design, and its vectors.

    The bench, module `<name>_tb`, reads the vectors from `<name>_vectors.hex`, or from the file that `+vectors=FILE`
    names, which it holds in memory as a whole. It gives the design a sample in each cycle. Where there are registers it
    also stops the clock's enable now and then, which must not change the results. Every word of every output is
    compared. At the end, it prints one line:

        PASS <name> samples=N words=W mismatches=0
        FAIL <name> samples=N words=W mismatches=M sample=S port=P word=K expected=HEX got=HEX

    with the first mismatch; or, where it is run from another folder,

        FAIL <name> vectors file missing: FILE (run in its folder, or give +vectors=FILE)

    Icarus Verilog 11 (`-g2012`) and Verilator 5 (`--binary --timing`) run it.

    Args:
        design: any design with at least one bit of output.
        inputs: for each input port, words (N, count).
        expected: for each output port, words (N, count).

    Raises:
        ExportError: a name that Verilog does not allow, no outputs to compare, or no samples.
        TypeError, ValueError: words that do not fit the ports.
    """
    inner, outer = in_verilog(design), in_verilog(design, taken=_OWN)
    rows = [_bits(ports, words) for ports, words in ((design.inputs, inputs), (design.outputs, expected))]
    if not rows[1].shape[1]:
        raise ExportError(f"{design!r} has no outputs that a test bench could compare")
    samples = len(rows[1])
    if not samples:
        raise ExportError("a test bench needs at least one sample")
    if not design.inputs or not rows[0].shape[1]:
        rows[0] = np.zeros((samples, 0), np.bool_)
    if len(rows[0]) != samples:
        raise ExportError(f"{len(rows[0])} samples come in, results of {samples} are expected: give as many")
    return {
        f"{design.name}_tb.sv": "\n".join(_bench(inner, outer, samples)).encode(),
        f"{design.name}_vectors.hex": _hex(np.concatenate(rows, axis=1)),
    }


def _words(
    circuit: Circuit, design: Design, rows: NDArray[Any], state: NDArray[np.bool_]
) -> tuple[tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]], NDArray[np.bool_]]:
    """Return the words that enter and leave for some rows of numbers, and the state after them."""
    numbers = rows
    if design.words is not None:
        words = design.words.quantise(rows)
        numbers = design.words.values(words)
    bits = circuit.inputs.encode(numbers)
    entering: dict[str, NDArray[Any]] = {port.name: bits if design.words is None else words for port in design.inputs}
    netlist = circuit.netlist
    if state.size:
        values = netlist.evaluate(bits, keep="all", state=state)
        outputs, state = values[:, netlist.outputs], values[-1, netlist.register_next]
    else:
        outputs = netlist.evaluate(bits)
    leaving = words_at_ports(circuit, outputs)
    return (entering, {port.name: leaving[port.name] for port in design.outputs}), state


def _empty(ports: tuple[Port, ...]) -> dict[str, list[NDArray[Any]]]:
    return {port.name: [] for port in ports}


def _stacked(columns: dict[str, list[NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {port: np.concatenate(parts) if parts else np.zeros((0, 0)) for port, parts in columns.items()}


def _bits(ports: tuple[Port, ...], words: Mapping[str, ArrayLike]) -> NDArray[np.bool_]:
    if set(words) != {port.name for port in ports}:
        raise ExportError(f"words for {sorted(words)}, expected {[port.name for port in ports]}")
    columns = [port.bits(_integers(words[port.name])) for port in ports]
    return np.concatenate(columns, axis=1) if columns else np.zeros((0, 0), np.bool_)


def _integers(words: ArrayLike) -> NDArray[Any]:
    array = np.asarray(words)
    return array.astype(np.int64) if array.dtype.kind == "b" else array


def _hex(bits: NDArray[np.bool_]) -> bytes:
    """A line a sample: the mark, then the bits."""
    lines = []
    for start in range(0, len(bits), SLICE):
        lines += [f"{MARK:x}{digits}" for digits in hex_digits(bits[start : start + SLICE])]
    return "\n".join([*lines, ""]).encode()


def hex_digits(bits: NDArray[np.bool_]) -> list[str]:
    """Return each row of bits (N, B) as one number of ceil(B / 4) digits, the first bit the least significant."""
    digits = -(-bits.shape[1] // 4)
    padded = np.zeros((len(bits), 8 * -(-digits // 2)), np.bool_)
    padded[:, : bits.shape[1]] = bits
    octets = np.packbits(padded, axis=1, bitorder="little")[:, ::-1]
    return [row.tobytes().hex()[-digits:] for row in octets]


def _bench(inner: Design, design: Design, samples: int) -> Iterator[str]:
    """The bench of a design, `inner` as it is, `design` with the names that its ports have in the bench."""
    inputs = [port for port in design.inputs if port.size]
    outputs = [port for port in design.outputs if port.size]
    into, out = (sum(port.size for port in ports) for ports in (inputs, outputs))
    mark = 4 * -(-(into + out) // 4)
    clocked = any(part.netlist.num_registers for part in design.parts)
    name = design.name
    yield f"// Test bench of {name}. A line of the vectors is one number: the digit {MARK:x}, the outputs, the inputs."
    yield "// Prints one line that begins with PASS or FAIL. Written by lutsmith."
    yield f"module {name}_tb;"
    yield f"  localparam integer SAMPLES = {samples};"
    yield f"  localparam integer LATENCY = {design.latency};"
    yield f"  reg [{mark + 3}:0] vectors [0:SAMPLES-1];"
    yield f"  reg [{mark + 3}:0] vector;"
    yield f"  reg [{out - 1}:0] expected;"
    for port in inputs:
        yield f"  reg [{port.size - 1}:0] {port.name};"
    for port in outputs:
        yield f"  wire [{port.size - 1}:0] {port.name};"
    if clocked:
        yield "  reg clk;"
        yield "  reg ce;"
    yield "  integer cycle;"
    yield "  integer word;"
    yield "  integer words;"
    yield "  integer mismatches;"
    yield "  integer handle;"
    yield "  string file;"
    yield "  string first;"
    named = zip((*inner.inputs, *inner.outputs), (*design.inputs, *design.outputs), strict=True)
    wires = [(wire, wire) for wire in ("clk", "ce") if clocked]
    wires += [(own.name, port.name) for own, port in named if port.size]
    yield f"  {name} dut ({', '.join(f'.{own}({wire})' for own, wire in wires)});"
    yield ""
    yield "  initial begin"
    yield f'    if (!$value$plusargs("vectors=%s", file)) file = "{name}_vectors.hex";'
    yield '    handle = $fopen(file, "r");'
    yield "    if (handle == 0) begin"
    missing = f"FAIL {name} vectors file missing: %0s (run in its folder, or give +vectors=FILE)"
    yield f'      $display("{missing}", file);'
    yield "      $finish;"
    yield "    end"
    yield "    $fclose(handle);"
    yield "    #1 $readmemh(file, vectors);"
    yield "    words = 0;"
    yield "    mismatches = 0;"
    yield '    first = "";'
    if clocked:
        yield "    clk = 1'b0;"
        yield "    ce = 1'b1;"
    yield "    for (cycle = 0; cycle < SAMPLES + LATENCY; cycle = cycle + 1) begin"
    yield "      if (cycle < SAMPLES) begin"
    yield "        vector = vectors[cycle];"
    yield from _assigned(inputs, 8)
    yield "      end"
    yield "      #1;"
    yield "      if (cycle >= LATENCY) begin"
    yield "        vector = vectors[cycle - LATENCY];"
    over = mark - into - out
    yield f"        if (vector[{mark + 3}:{into + out}] !== {over + 4}'d{MARK << over}) begin"
    yield '          if (mismatches == 0) $sformat(first, " sample=%0d port=vectors word=0", cycle - LATENCY);'
    yield "          mismatches = mismatches + 1;"
    yield "        end"
    yield f"        expected = vector[{into + out - 1}:{into}];"
    start = 0
    for port in outputs:
        yield from _compared(port, start)
        start += port.size
    yield "      end"
    if clocked:
        yield "      // Every third cycle the enable is off for a while, other inputs come in, and nothing may change."
        yield "      if (cycle % 3 == 2) begin"
        yield "        ce = 1'b0;"
        for port in inputs:
            yield f"        {port.name} = ~{port.name};"
        yield "        #1 clk = 1'b1;"
        yield "        #1 clk = 1'b0;"
        for port in inputs:
            yield f"        {port.name} = ~{port.name};"
        yield "        ce = 1'b1;"
        yield "      end"
        yield "      #1 clk = 1'b1;"
        yield "      #1 clk = 1'b0;"
    yield "    end"
    counts = f"{name} samples=%0d words=%0d mismatches=%0d"
    yield f'    if (mismatches == 0) $display("PASS {counts}", SAMPLES, words, mismatches);'
    yield f'    else $display("FAIL {counts}%0s", SAMPLES, words, mismatches, first);'
    yield "    $finish;"
    yield "  end"
    yield "endmodule"
    yield ""


def _assigned(inputs: list[Port], indent: int) -> Iterator[str]:
    start = 0
    for port in inputs:
        yield f"{' ' * indent}{port.name} = vector[{start + port.size - 1}:{start}];"
        start += port.size


def _compared(port: Port, start: int) -> Iterator[str]:
    there = f"expected[{start} + word * {port.width} +: {port.width}]"
    here = f"{port.name}[word * {port.width} +: {port.width}]"
    yield f"        for (word = 0; word < {port.count}; word = word + 1) begin"
    yield f"          if ({here} !== {there}) begin"
    yield "            if (mismatches == 0)"
    yield f'              $sformat(first, " sample=%0d port={port.name} word=%0d expected=%0h got=%0h",'
    yield f"                       cycle - LATENCY, word, {there}, {here});"
    yield "            mismatches = mismatches + 1;"
    yield "          end"
    yield "          words = words + 1;"
    yield "        end"
