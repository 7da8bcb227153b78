"""BLIF, the Berkeley Logic Interchange Format: one `.names` a LUT, one `.latch` a register.

`.names a b c y` is followed by cubes: character j of a cube is for the j-th name, so that names stand with input 0
first and the cube of address a is its bits, the lowest first. Cubes of the ones, or of the zeros, whichever are fewer,
are written. The format: "Berkeley Logic Interchange Format (BLIF)", University of California, Berkeley, 1992.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.formats.assembly import CycleError, assemble
from lutsmith.formats.covers import Covers, cover_of
from lutsmith.formats.lines import Lines
from lutsmith.formats.named import FormatError, FormatWarning, NamedNetlist, checked_names
from lutsmith.formats.wide import Pieces, cubes_of, wide_lut

_WIDTH = 100
"""Columns after which a list of names goes on in the next line."""

_SAFE = "_.[]<>:-"
"""Characters besides letters and digits that stand for themselves in names; others are written as %XX, as in URLs."""

_IDENTITY = 2
"""The table of a buffer."""

_IGNORED = frozenset(
    {
        *(".area", ".delay", ".wire", ".wire_load_slope", ".clock", ".attr", ".param", ".cname"),
        *(".input_arrival", ".default_input_arrival", ".output_required", ".default_output_required"),
        *(".input_drive", ".default_input_drive", ".output_load", ".default_output_load"),
        *(".max_input_load", ".default_max_input_load", ".and_gate_delay"),
    }
)
"""Timing, area and remarks: they do not change the function."""

_LISTED = 5
"""Names in a warning; of the others their number is said."""


def to_blif(
    netlist: Netlist,
    *,
    name: str = "top",
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> str:
    """Return the netlist as BLIF.

    Each node is one `.names`, in the order of the netlist, named after the first output that it drives, or else n0, n1,
    ...; other outputs are buffers. Characters that tools could mistake are written as %XX; `from_blif` undoes that.

    Args:
        netlist: registers become latches with their initial values.
        name: of the model.
        inputs: I names; x0, x1, ... by default.
        outputs: O names; y0, y1, ... by default. An output may have the name of an input only if it is that input.

    Raises:
        TypeError, ValueError: names that are not one each, or not distinct.
    """
    input_names = [_escaped(text) for text in checked_names("inputs", inputs, netlist.num_inputs, "x")]
    output_names = [_escaped(text) for text in checked_names("outputs", outputs, netlist.outputs.size, "y")]
    ends = netlist.outputs.tolist()
    place = {text: signal for signal, text in enumerate(input_names)}
    for text, end in zip(output_names, ends, strict=True):
        if place.get(text, end) != end:
            raise ValueError(f"{unquote(text)!r} is the name of an input and of an output that is not this input")
    ports = {*input_names, *output_names}
    signals = [
        *input_names,
        *_free_names("r", netlist.num_registers, ports),
        *_free_names("n", netlist.num_nodes, ports),
    ]
    first_node = netlist.num_inputs + netlist.num_registers
    ranks, tables = netlist.ranks.tolist(), netlist.tables().tolist()
    wired = []
    own_names = set(range(first_node))  # an identity keeps its name too: a reader takes an output's buffer for a wire
    own_names.update(first_node + node for node, rank in enumerate(ranks) if rank == 1 and tables[node] == _IDENTITY)
    for text, end in zip(output_names, ends, strict=True):
        if end in own_names:
            if signals[end] != text:
                wired.append(f".names {signals[end]} {text}\n1 1\n")
        else:
            signals[end] = text
            own_names.add(end)
    parts = [f".model {_escaped(name) if name else 'top'}\n"]
    parts.append(_listed(".inputs", input_names))
    parts.append(_listed(".outputs", output_names))
    states = zip(netlist.register_next.tolist(), netlist.register_init.tolist(), strict=True)
    parts.extend(
        f".latch {signals[after]} {signals[netlist.num_inputs + place]} {int(init)}\n"
        for place, (after, init) in enumerate(states)
    )
    covers: dict[tuple[int, int], str] = {}
    reads = [signals[signal] for signal in netlist.fanin.tolist()]
    start = netlist.fanin_ptr.tolist()
    for node, key in enumerate(zip(ranks, tables, strict=True)):
        cover = covers.get(key)
        if cover is None:
            cover = covers[key] = cover_of(*key)
        parts.append(f".names {' '.join([*reads[start[node] : start[node + 1]], signals[first_node + node]])}\n{cover}")
    return "".join([*parts, *wired, ".end\n"])


def from_blif(text: str, *, strict: bool = False) -> NamedNetlist:
    """Return the netlist of the first model of a BLIF file.

    Nodes may stand in any order. One that reads more than 6 signals becomes several: its cover is factored, or its
    table split where it reads up to 8 and that takes far fewer LUTs. A buffer that drives an output which nothing reads
    is a wire, not a node. The clocks of all latches must be the same. A latch with an unknown initial value (2, 3 or
    nothing) starts as 0; timing, area and remarks are skipped. As in ABC, but with a `FormatWarning`, a signal that
    nothing drives is 0, a network of don't-cares (.exdc) and text after .end are left out, and .end may be missing.

    Args:
        text: the file.
        strict: refuse what would be skipped or assumed: everything in the last two sentences, latches with a clock, and
            a file without .model. The files that `to_blif` writes can be read.

    Raises:
        TypeError: the text is not a str.
        FormatError: not BLIF, cut off, or more than this: hierarchy, gates of a library, covers of ones and zeros
            together; signals with several drivers, and cycles. The message names the line.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}, expected str")
    reader = _Reader(text, strict)
    named = reader.read()
    for message in reader.warnings:
        warnings.warn(message, FormatWarning, stacklevel=2)
    return named


class _Node(NamedTuple):
    """One `.names` as it stands; of more than six inputs its cubes, and whether it is 1 on them, not its table."""

    line: int
    reads: list[str]
    name: str
    table: int
    cubes: tuple[list[str], bool] | None = None


class _Latch(NamedTuple):
    line: int
    reads: str
    name: str
    init: bool


class _Reader:
    """One pass over the lines, then the names are looked up."""

    def __init__(self, text: str, strict: bool) -> None:
        self._text = text
        self._strict = strict
        self.warnings: list[str] = []
        self._name: str | None = None
        self._inputs: dict[str, int] = {}  # and their lines
        self._outputs: dict[str, int] = {}
        self._latches: list[_Latch] = []
        self._clock: tuple[str, ...] | None = None
        self._nodes: list[_Node] = []
        self._covers = Covers()

    def read(self) -> NamedNetlist:
        self._parse()
        self._drive_all()
        wires = self._wires()
        nodes = [node for node in self._nodes if node.name not in wires]
        first_node = len(self._inputs) + len(self._latches)
        signal = self._numbered([node.name for node in nodes])
        parts = Pieces(first_node + len(nodes))
        reads = [[signal[name] for name in node.reads] for node in nodes]
        tables = [node.table for node in nodes]
        for place, node in enumerate(nodes):
            if node.cubes is not None:
                parts.owner = place
                reads[place], tables[place] = wide_lut(len(node.reads), *node.cubes, reads[place], parts)
        reads += parts.reads
        ends = [signal[wires.get(name, name)] for name in self._outputs]
        after = [signal[latch.reads] for latch in self._latches]
        try:
            netlist = assemble(
                len(self._inputs),
                np.array([latch.init for latch in self._latches], np.bool_),
                np.array([len(each) for each in reads], np.int64),
                np.array(list(chain.from_iterable(reads)), np.int64),
                np.array(tables + parts.tables, np.uint64),
                np.array(ends, np.int64),
                np.array(after, np.int64),
            )
        except CycleError as error:
            node = nodes[[*range(len(nodes)), *parts.owners][error.node]]
            raise FormatError(f"line {node.line}: {node.name[:40]!r} waits for its own value") from None
        return NamedNetlist(netlist, _plain([self._name or "top"])[0], _plain(self._inputs), _plain(self._outputs))

    def _assumed(self, line: int, what: str, done: str) -> None:
        """Refuse what is not plain BLIF where it is read strictly; else warn of what was done."""
        where = f"line {line}" if line else "the file"
        if self._strict:
            raise FormatError(f"{where} {what}, which strict reading refuses")
        self.warnings.append(f"{where} {what}: {done}")

    def _parse(self) -> None:
        lines = Lines(self._text)
        current: tuple[int, list[str]] | None = None
        cubes: list[list[str]] = []
        commands, left_out = 0, False
        for line, words in lines:
            if words[0][0] != ".":
                if current is None and not left_out:
                    raise FormatError(f"line {line} begins with {words[0][:20]!r}, expected a command such as .names")
                cubes.append(words)
                continue
            commands += 1
            if current is not None:
                self._add_node(*current, cubes)
            current, cubes = None, []
            if words[0] == ".end":
                self._after_end(lines.left())
                break
            if left_out:
                continue
            if words[0] == ".names":
                table = self._covers.plain(len(words) - 2, lines.block()) if len(words) - 2 <= MAX_RANK else None
                if table is None:
                    current = line, words[1:]
                else:
                    lines.skip_block()
                    self._nodes.append(_Node(line, words[1:-1], words[-1], table))
            elif words[0] == ".exdc":
                self._assumed(line, "begins a network of don't-cares (.exdc)", "it is left out")
                left_out = True
            else:
                self._command(line, words)
        else:
            if not commands:
                raise FormatError("the file has no command such as .model: it is empty, or not BLIF")
            if current is not None:
                self._add_node(*current, cubes)
            self._assumed(0, "has no .end", "what is there is taken for all of it; it may be cut off")
        if self._name is None and self._strict:
            raise FormatError("the file has no .model, which strict reading expects")

    def _after_end(self, line: int) -> None:
        if line:
            self._assumed(line, "follows the .end of the model", "all from there on is left out")

    def _command(self, line: int, words: list[str]) -> None:
        command, *arguments = words
        if command == ".model":
            if self._name is not None:
                raise FormatError(f"line {line} begins a second model before the .end of the first")
            self._name = arguments[0] if arguments else "top"
        elif command in (".inputs", ".outputs"):
            ports = self._inputs if command == ".inputs" else self._outputs
            for name in arguments:
                if name in ports:
                    raise FormatError(f"line {line} lists {name[:40]!r} a second time among the {command[1:]}")
                ports[name] = line
        elif command == ".latch":
            self._add_latch(line, arguments)
        elif command not in _IGNORED:
            raise FormatError(f"line {line} is {command[:20]}, which a netlist of LUTs cannot hold or is not BLIF")
        elif self._strict:
            raise FormatError(f"line {line} is {command}, a remark, which strict reading refuses")

    def _add_latch(self, line: int, words: list[str]) -> None:
        clocked = len(words) >= 4
        if not 2 <= len(words) <= 5:
            raise FormatError(
                f"line {line}: .latch has {len(words)} words, expected input, output, clock, initial value"
            )
        init = words[-1] if len(words) in (3, 5) else "3"
        if init not in ("0", "1", "2", "3"):
            raise FormatError(f"line {line}: a latch starts as {init[:20]!r}, expected 0, 1, 2 or 3")
        if clocked:
            if words[2] not in ("re", "fe"):
                raise FormatError(
                    f"line {line}: a latch of type {words[2][:20]!r}; only edges (re, fe) make a register"
                )
            clock = tuple(words[2:4])
            if self._clock not in (None, clock):
                raise FormatError(f"line {line}: a second clock, {' '.join(clock)[:40]!r}; a netlist has one")
            self._clock = clock
        if self._strict and (clocked or init not in ("0", "1")):
            raise FormatError(f"line {line}: strict reading expects a latch as input, output and 0 or 1, and no clock")
        self._latches.append(_Latch(line, words[0], words[1], init == "1"))

    def _add_node(self, line: int, names: list[str], rows: list[list[str]]) -> None:
        if not names:
            raise FormatError(f"line {line}: .names has no output")
        *reads, name = names
        try:
            if len(reads) > MAX_RANK:
                node = _Node(line, reads, name, 0, cubes_of(len(reads), rows))
            else:
                node = _Node(line, reads, name, self._covers.table(len(reads), rows))
        except ValueError as error:
            raise FormatError(f"line {line}: the cover of {name[:40]!r} {error}") from None
        self._nodes.append(node)

    def _drive_all(self) -> None:
        """Let constants 0 drive what is read and not driven."""
        driven = {*self._inputs, *(latch.name for latch in self._latches), *(node.name for node in self._nodes)}
        reads = [(latch.reads, latch.line) for latch in self._latches]
        reads += [(name, node.line) for node in self._nodes for name in node.reads if name not in driven]
        lines: dict[str, int] = {}
        for name, line in (*reads, *self._outputs.items()):
            if name not in driven:
                lines[name] = min(line, lines.get(name, line))
        if not lines:
            return
        listed = [repr(name[:40]) for name in lines][:_LISTED]
        more = f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
        line = min(lines.values())
        first = next(name for name in lines if lines[name] == line)
        self._assumed(line, f"reads {first[:40]!r}, which nothing drives", f"0 drives {', '.join(listed)}{more}")
        self._nodes += [_Node(line, [], name, 0) for name, line in lines.items()]

    def _wires(self) -> dict[str, str]:
        """Return what drives those outputs that are buffers which nothing reads."""
        read = {name for node in self._nodes for name in node.reads}
        read.update(latch.reads for latch in self._latches)
        return {
            node.name: node.reads[0]
            for node in self._nodes
            if node.table == _IDENTITY and len(node.reads) == 1 and node.name in self._outputs and node.name not in read
        }

    def _numbered(self, names: list[str]) -> dict[str, int]:
        """Return the signal of each name after checking that nothing, wires included, is driven twice."""
        driven: dict[str, int] = {}
        latches = [(latch.name, latch.line) for latch in self._latches]
        for name, line in (*self._inputs.items(), *latches, *((node.name, node.line) for node in self._nodes)):
            if name in driven:
                raise FormatError(f"line {line} drives {name[:40]!r}, which line {driven[name]} drives too")
            driven[name] = line
        first = [*self._inputs, *(name for name, _ in latches)]
        return {name: signal for signal, name in enumerate([*first, *names])}


def _free_names(prefix: str, count: int, taken: set[str]) -> list[str]:
    """Return `count` names, `prefix` and a number; the prefix grows until no port's name begins like them."""
    while any(name.startswith(prefix) and name[len(prefix) :].isdigit() for name in taken):
        prefix += "_"
    return [f"{prefix}{index}" for index in range(count)]


def _listed(command: str, names: Sequence[str]) -> str:
    lines = [command]
    for name in names:
        if len(lines[-1]) + len(name) >= _WIDTH and lines[-1] != command:
            lines[-1] += " \\"
            lines.append("")
        lines[-1] += f" {name}"
    return "\n".join(lines) + "\n"


def _escaped(name: str) -> str:
    escaped = quote(name, safe=_SAFE)
    return "%2E" + escaped[1:] if escaped.startswith(".") else escaped


def _plain(names: Iterable[str]) -> tuple[str, ...]:
    """Undo `_escaped`, unless other names than its own would become equal by that."""
    escaped = tuple(names)
    plain = tuple(unquote(name) if "%" in name and _escaped(unquote(name)) == name else name for name in escaped)
    return plain if len(set(plain)) == len(plain) else escaped
