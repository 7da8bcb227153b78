"""BLIF, the Berkeley Logic Interchange Format: one `.names` a LUT, one `.latch` a register.

`.names a b c y` is followed by cubes: character j of a cube is for the j-th name, so that names stand with input 0
first and the cube of address a is its bits, the lowest first. Cubes of the ones, or of the zeros, whichever are fewer,
are written. The format: "Berkeley Logic Interchange Format (BLIF)", University of California, Berkeley, 1992.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from lutsmith.circuit.builder import MAX_LUT_RANK
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.formats.assembly import CycleError, assemble
from lutsmith.formats.covers import Covers, cover_of
from lutsmith.formats.named import FormatError, NamedNetlist, checked_names

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
        *(".max_input_load", ".default_max_input_load"),
    }
)
"""Timing, area and remarks: they do not change the function."""


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


def from_blif(text: str) -> NamedNetlist:
    """Return the netlist of the first model of a BLIF file.

    Nodes may stand in any order and read up to 8 signals (more than 6 become several nodes). A buffer that drives an
    output which nothing reads is a wire, not a node. A latch that starts as unknown (2, 3 or nothing) starts as 0; the
    clocks of all latches must be the same. Timing, area and remarks are passed over.

    Raises:
        TypeError: no str.
        FormatError: not BLIF, cut off, or more than this: hierarchy, gates of a library, don't-care networks, covers
            of ones and zeros together; signals with no or several drivers, and cycles. The line is named.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}, expected str")
    return _Reader(text).read()


class _Node(NamedTuple):
    """One `.names` as it stands."""

    line: int
    reads: list[str]
    name: str
    table: int


class _Latch(NamedTuple):
    line: int
    reads: str
    name: str
    init: bool


class _Reader:
    """One pass over the lines, then the names are looked up."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._name: str | None = None
        self._inputs: dict[str, int] = {}  # and their lines
        self._outputs: dict[str, int] = {}
        self._latches: list[_Latch] = []
        self._clock: tuple[str, ...] | None = None
        self._nodes: list[_Node] = []
        self._covers = Covers()

    def read(self) -> NamedNetlist:
        self._parse()
        wires = self._wires()
        nodes = [node for node in self._nodes if node.name not in wires]
        parts = [1 if len(node.reads) <= MAX_RANK else (1 << (len(node.reads) - MAX_RANK)) + 1 for node in nodes]
        first_node = len(self._inputs) + len(self._latches)
        last = (first_node - 1 + np.cumsum(parts, dtype=np.int64)).tolist()  # of a node's parts: its value
        signal = self._numbered([node.name for node in nodes], last)
        try:
            reads = [[signal[name] for name in node.reads] for node in nodes]
            ends = [signal[wires.get(name, name)] for name in self._outputs]
            after = [signal[latch.reads] for latch in self._latches]
        except KeyError:
            raise self._undriven(signal, wires) from None
        ranks: list[int] = []
        fanin: list[int] = []
        tables: list[int] = []
        for node, number, read in zip(nodes, last, reads, strict=True):
            if len(read) > MAX_RANK:
                _add_cofactors(node.table, number, read, ranks, fanin, tables)
            else:
                ranks.append(len(read))
                fanin.extend(read)
                tables.append(node.table)
        try:
            netlist = assemble(
                len(self._inputs),
                np.array([latch.init for latch in self._latches], np.bool_),
                np.array(ranks, np.int64),
                np.array(fanin, np.int64),
                np.array(tables, np.uint64),
                np.array(ends, np.int64),
                np.array(after, np.int64),
            )
        except CycleError as error:
            node = nodes[int(np.searchsorted(last, error.node + first_node))]
            raise FormatError(f"line {node.line}: {node.name[:40]!r} waits for its own value") from None
        return NamedNetlist(netlist, _plain([self._name or "top"])[0], _plain(self._inputs), _plain(self._outputs))

    def _parse(self) -> None:
        lines = _Lines(self._text)
        current: tuple[int, list[str]] | None = None
        cubes: list[list[str]] = []
        for line, words in lines:
            if words[0][0] != ".":
                if current is None:
                    raise FormatError(f"line {line} begins with {words[0][:20]!r}, expected a command such as .names")
                cubes.append(words)
                continue
            if current is not None:
                self._add_node(*current, cubes)
                current, cubes = None, []
            if words[0] == ".names":
                table = self._covers.plain(len(words) - 2, lines.block())
                if table is None:
                    current = line, words[1:]
                else:
                    lines.skip_block()
                    self._nodes.append(_Node(line, words[1:-1], words[-1], table))
            elif words[0] == ".end":
                return
            else:
                self._command(line, words)
        raise FormatError("the file has no .end: it may be cut off; add the line .end if it is whole")

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
            raise FormatError(f"line {line} is {command[:20]}, which a netlist of LUTs cannot hold or is no BLIF")

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
        self._latches.append(_Latch(line, words[0], words[1], init == "1"))

    def _add_node(self, line: int, names: list[str], rows: list[list[str]]) -> None:
        if not names:
            raise FormatError(f"line {line}: .names has no output")
        *reads, name = names
        rank = len(reads)
        if rank > MAX_LUT_RANK:
            raise FormatError(
                f"line {line}: {name[:40]!r} reads {rank} signals, expected at most {MAX_LUT_RANK}: "
                "map the network to LUTs first, for example with ABC's `if -K 6`"
            )
        try:
            table = self._covers.table(rank, rows)
        except ValueError as error:
            raise FormatError(f"line {line}: the cover of {name[:40]!r} {error}") from None
        self._nodes.append(_Node(line, reads, name, table))

    def _wires(self) -> dict[str, str]:
        """Return what drives those outputs that are buffers which nothing reads."""
        read = {name for node in self._nodes for name in node.reads}
        read.update(latch.reads for latch in self._latches)
        return {
            node.name: node.reads[0]
            for node in self._nodes
            if node.table == _IDENTITY and len(node.reads) == 1 and node.name in self._outputs and node.name not in read
        }

    def _numbered(self, names: list[str], numbers: list[int]) -> dict[str, int]:
        """Return the signal of each name after checking that nothing, wires included, is driven twice."""
        driven: dict[str, int] = {}
        latches = ((latch.name, latch.line) for latch in self._latches)
        for name, line in (*self._inputs.items(), *latches, *((node.name, node.line) for node in self._nodes)):
            if name in driven:
                raise FormatError(f"line {line} drives {name[:40]!r}, which line {driven[name]} drives too")
            driven[name] = line
        first = [*self._inputs, *(latch.name for latch in self._latches)]
        return {**{name: signal for signal, name in enumerate(first)}, **dict(zip(names, numbers, strict=True))}

    def _undriven(self, signal: dict[str, int], wires: dict[str, str]) -> FormatError:
        reads = [(node.line, name) for node in self._nodes for name in node.reads]
        reads += [(latch.line, latch.reads) for latch in self._latches]
        reads += [(line, name) for name, line in self._outputs.items()]
        line, name = min((line, name) for line, name in reads if name not in signal and name not in wires)
        return FormatError(f"line {line} reads {name[:40]!r}, which nothing drives")


class _Lines:
    """The number of the first line and the words of each command or row; comments gone, continuations joined."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._number = 1
        """Of the line that begins at `_place`."""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        words: list[str] = []
        begin = 0
        while self._place <= len(self._text):
            line = self._text[self._place : self._end("\n")]
            self._place += len(line) + 1
            if "#" in line:
                line = line[: line.index("#")]
            line = line.rstrip()
            goes_on = line.endswith("\\")
            if not words:
                begin = self._number
            self._number += 1
            words += (line[:-1] if goes_on else line).split()
            if words and not goes_on:
                yield begin, words
                words = []
        if words:
            raise FormatError(f"line {begin} goes on in a line that is not there: the file is cut off")

    def block(self) -> str:
        """Return all up to the next line that begins with a dot."""
        return self._text[self._place : self._end("\n.")]

    def skip_block(self) -> None:
        """Go on behind `block()`."""
        end = self._end("\n.")
        self._number += self._text.count("\n", self._place, end) + 1
        self._place = end + 1

    def _end(self, mark: str) -> int:
        end = self._text.find(mark, self._place)
        return len(self._text) if end < 0 else end


def _add_cofactors(
    table: int, number: int, read: list[int], ranks: list[int], fanin: list[int], tables: list[int]
) -> None:
    """Add a node of rank 7 or 8 as its cofactors in the highest inputs, and a LUT that chooses among them."""
    choices = 1 << (len(read) - MAX_RANK)
    for choice in range(choices):
        ranks.append(MAX_RANK)
        fanin.extend(read[:MAX_RANK])
        tables.append(table >> (choice << MAX_RANK) & (2**64 - 1))
    chooser = [*range(number - choices, number), *read[MAX_RANK:]]
    ranks.append(len(chooser))
    fanin.extend(chooser)
    tables.append(sum(1 << address for address in range(1 << len(chooser)) if address >> (address >> choices) & 1))


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
