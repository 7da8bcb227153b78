"""How many LUTs, registers and gates a circuit takes, part by part, and how fast its clock can be.

Two counts stand side by side. **LUT6** and **depth** are ABC's, by `if -K 6 -a` and `if -K 6`: they depend on no device
and can be compared between papers. The **device's** LUTs and registers are those of Yosys's flow for it. For standard
cells there are NAND2 equivalents instead. Each part is counted alone: encoder, network and head.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import Netlist
from lutsmith.formats.blif import to_blif
from lutsmith.ground.alignment import aligned
from lutsmith.ground.arguments import number, one_of
from lutsmith.hardware import abc
from lutsmith.hardware.enclosure import enclosed
from lutsmith.hardware.results import digest, remembered
from lutsmith.hardware.targets import FLIP_FLOP, TARGETS, Device, Target, genlib
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import Finished, Tool, ToolFailed, ToolTimeout
from lutsmith.logic import Design, Part, Words, elaborate, pipelined

TIMEOUT = 600.0
"""Seconds for each run of a tool."""

MEMORY = 16 << 20
"""KiB of address space for a run of Yosys."""

_FORMAT = 1
"""Of the results that are kept: raised when they mean something else."""

_AREA = re.compile(r"\barea\s*=\s*([0-9.]+)")


@dataclass(frozen=True)
class Resources:
    """The resources that a part takes. None means: not counted, and `note` says why, or the target has no such count.

    Attributes:
        part: encoder, network, head (popcounts and decision), sum, or whole (all as one netlist).
        lut6: LUTs of six inputs, mapped for area.
        depth: levels of them, mapped for depth; between registers where there are any.
        luts: LUTs of the device.
        ffs: registers of the device; for asic, of the netlist.
        gates: NAND2 equivalents, registers included; for asic.
        latency: clock cycles.
        note: why a count is missing.
    """

    part: str
    lut6: int | None = None
    depth: int | None = None
    luts: int | None = None
    ffs: int | None = None
    gates: float | None = None
    latency: int = 0
    note: str = ""


@dataclass(frozen=True)
class Placement:
    """The whole design placed and routed between registers.

    Attributes:
        device: the device that it was placed on.
        fmax: MHz; None where it was not routed, and `note` says why.
        note: what went wrong.
    """

    device: str
    fmax: float | None
    note: str = ""


@dataclass(frozen=True)
class Synthesis:
    """The resources of a design; `str()` is a table.

    Attributes:
        name: of the design.
        target: one of `TARGETS`.
        rows: the parts, their sum, and the whole.
        tools: name and version of each tool.
        placement: of the whole; None if it was not asked for.
    """

    name: str
    target: str
    rows: tuple[Resources, ...]
    tools: tuple[str, ...]
    placement: Placement | None = None

    def __getitem__(self, part: str) -> Resources:
        """The row of a part, "sum" or "whole"."""
        for row in self.rows:
            if row.part == part:
                return row
        raise KeyError(f"no part {part!r}, expected one of {', '.join(row.part for row in self.rows)}")

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        columns = [("part", "part"), ("lut6", "LUT6"), ("depth", "depth")]
        asic = self.target == "asic"
        columns += [("ffs", "registers"), ("gates", "NAND2")] if asic else [("luts", "LUTs"), ("ffs", "registers")]
        columns += [("latency", "latency")]
        lines = [[title for _, title in columns]]
        lines += [[_shown(getattr(row, name)) for name, _ in columns] for row in self.rows]
        text = aligned(lines)
        text += [f"{row.part}: {row.note}" for row in self.rows if row.note]
        if self.placement is not None:
            placed = self.placement
            text.append(f"{placed.device}: {f'{placed.fmax:.1f} MHz' if placed.fmax else placed.note}")
        return "\n".join([*text, ", ".join(self.tools)])


def synth(
    design: Circuit | Design,
    target: str = "xilinx",
    *,
    words: Words | int | None = None,
    pipeline: int | None = None,
    place: bool = False,
    timeout: float = TIMEOUT,
    progress: Callable[[str], None] | None = None,
) -> Synthesis:
    """Return the resources of a circuit or a design on a target, part by part.

    A circuit is elaborated with the decision alone, without ports for the scores of a classification. Results are kept
    in the user's cache folder by the hash of netlist, target and versions of the tools.

    Args:
        design: a circuit, or a design as it is.
        target: one of `TARGETS`.
        words: of a circuit's features, as for `elaborate`.
        pipeline: registers after so many levels of LUTs; none by default.
        place: whether to place and route the whole, on the smallest device that holds it, and report its clock.
        timeout: seconds for each run of a tool; the result notes which runs were stopped.
        progress: called with a line about each run.

    Raises:
        TypeError, ValueError: no such target or time, a target that no open tool places, words for a design, or
            whatever `elaborate` and `pipelined` refuse.
        ToolMissing: ABC, Yosys or nextpnr is not installed.
    """
    one_of("target", target, TARGETS)
    number("timeout", timeout, lambda seconds: 0 < seconds < math.inf, "seconds above 0")
    chosen = TARGETS[target]
    if place and not chosen.router:
        able = ", ".join(name for name, other in TARGETS.items() if other.router)
        raise ValueError(f"no open tool places and routes for {target}: take {able}, or leave place out")
    if isinstance(design, Design) and words is not None:
        raise ValueError("a design has its words already: leave words out")
    whole = design if isinstance(design, Design) else elaborate(design, words=words, scores=False)
    if pipeline is not None:
        whole = pipelined(whole, pipeline, "pipeline")
    run = _Runs(chosen, timeout, progress or (lambda _line: None))
    rows = [run.counted(part) for part in _split(whole)]
    rows.append(_sum(rows))
    flat = whole.flat()
    rows.append(run.mapped(replace(flat, name="whole")))
    placement = run.placed(flat.netlist, rows[-2]) if place else None
    return Synthesis(whole.name, target, tuple(rows), run.tools, placement)


def _split(design: Design) -> Sequence[Part]:
    """Return encoder, network and head, as far as they are there; other parts stay themselves."""
    head = [part for part in design.parts if part.name in ("popcount", "decision")]
    parts = [part for part in design.parts if part not in head]
    return [*parts, Design("head", tuple(head)).flat()] if head else parts


def _sum(rows: Sequence[Resources]) -> Resources:
    """Return the sum of the parts; what one of them lacks, it lacks too. Depths do not add up."""
    totals: dict[str, Any] = {}
    for name in ("lut6", "luts", "ffs", "gates", "latency"):
        values = [getattr(row, name) for row in rows]
        totals[name] = None if None in values else sum(values)
    return Resources("sum", **totals)


class _Runs:
    """Runs of tools for one target, remembered."""

    def __init__(self, target: Target, timeout: float, progress: Callable[[str], None]) -> None:
        self._target, self._timeout, self._progress = target, timeout, progress
        names = ["abc", *(["yosys"] if target.passes else [])]
        self._found = {name: toolchain.find(name) for name in names}

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(str(tool) for tool in self._found.values())

    def mapped(self, part: Part) -> Resources:
        """LUT6 and depth of a part."""
        row = Resources(part.name, latency=part.latency)
        if not part.netlist.num_nodes:
            return replace(row, lut6=0, depth=0)

        def compute() -> dict[str, Any]:
            small, shallow = (
                abc.run(part.netlist, f"if -K 6{option}", self._timeout).netlist for option in (" -a", "")
            )
            return {"lut6": int((small.ranks > 0).sum()), "depth": shallow.depth}

        return self._row(row, part.netlist, "if -K 6", compute, {"lut6": int, "depth": int})

    def counted(self, part: Part) -> Resources:
        """Everything about a part."""
        row = self.mapped(part)
        netlist = part.netlist
        if not netlist.num_nodes and not netlist.num_registers:
            return replace(row, ffs=0, **({"luts": 0} if self._target.passes else {"gates": 0.0}))
        if self._target.passes:

            def compute() -> dict[str, Any]:
                with toolchain.workspace() as folder:
                    cells = self._yosys(netlist, folder)
                luts, ffs = self._target.count(cells)
                return {"luts": luts, "ffs": ffs}

            return self._row(row, netlist, self._target.passes, compute, {"luts": int, "ffs": int})
        library = genlib()

        def area() -> dict[str, Any]:
            with toolchain.workspace() as folder:
                (folder / "gates.genlib").write_text(library)
                (folder / "given.blif").write_text(to_blif(abc.combinational(netlist)))
                printed = abc.script(
                    "read_genlib gates.genlib; read given.blif; strash; map -a; ps", folder, self._timeout
                ).stdout
            found = _AREA.search(printed)
            if found is None:
                raise ToolFailed("ABC reported no area", printed)
            return {"gates": float(found[1]) + FLIP_FLOP * netlist.num_registers, "ffs": netlist.num_registers}

        return self._row(row, netlist, library, area, {"gates": float, "ffs": int})

    def placed(self, netlist: Netlist, total: Resources) -> Placement:
        """The clock of a netlist between registers, on the smallest device that holds it."""
        router = self._found[self._target.router] = toolchain.find(self._target.router)
        inside = enclosed(netlist)
        need = max(total.luts or 0, inside.num_registers)
        device = next((device for device in self._target.devices if device.luts > need), None)
        if device is None:
            largest = self._target.devices[-1]
            why = f"about {need:,} LUTs and registers do not fit: the largest device has {largest.luts:,}"
            return Placement(largest.name, None, why)

        def compute() -> dict[str, Any]:
            with toolchain.workspace() as folder:
                self._yosys(inside, folder)
                return {"fmax": self._route(router, device, folder)}

        row = Resources(device.name)
        key = json.dumps(asdict(device), sort_keys=True)
        try:
            result = self._remember(inside, f"{self._target.passes} {key}", compute, {"fmax": float}, row.part)
        except ToolFailed as failure:
            return Placement(device.name, None, _brief(failure))
        return Placement(device.name, result["fmax"])

    def _row(
        self,
        row: Resources,
        netlist: Netlist,
        recipe: str,
        compute: Callable[[], dict[str, Any]],
        fields: dict[str, type],
    ) -> Resources:
        """Return the row with what a run gives, or with a note of why it gave nothing."""
        try:
            return replace(row, **self._remember(netlist, recipe, compute, fields, row.part))
        except ToolFailed as failure:
            return replace(row, note="; ".join(filter(None, [row.note, _brief(failure)])))

    def _remember(
        self, netlist: Netlist, recipe: str, compute: Callable[[], dict[str, Any]], fields: dict[str, type], part: str
    ) -> dict[str, Any]:
        key = {"format": _FORMAT, "netlist": digest(netlist), "recipe": recipe, "tools": list(self.tools)}

        def told() -> dict[str, Any]:
            step = "gates" if "\n" in recipe else recipe[:40]
            self._progress(f"{part}: {step}, {netlist.num_nodes:,} LUTs")
            return compute()

        def valid(result: dict[str, Any]) -> bool:
            return result.keys() == fields.keys() and all(
                type(result[name]) is kind and result[name] >= 0 for name, kind in fields.items()
            )

        return remembered(key, told, valid)

    def _yosys(self, netlist: Netlist, folder: Path) -> dict[str, int]:
        """Synthesise a netlist into `made.json` in a folder, and return how many cells of each kind there are."""
        (folder / "given.blif").write_text(_clocked(to_blif(netlist)))
        passes = f"read_blif given.blif; {self._target.passes}; write_json made.json; tee -q -o stat.json stat -json"
        _limited(self._found["yosys"]).run(["-q", "-p", passes], cwd=folder, timeout=self._timeout)
        try:
            cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
            return {str(name): int(count) for name, count in cells.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ToolFailed(f"Yosys left no count of cells ({type(error).__name__})") from error

    def _route(self, router: Tool, device: Device, folder: Path) -> float:
        common = ["--json", "made.json", "--report", "report.json", "--seed", "1", "--timing-allow-fail", "-q"]
        finished: Finished = router.run([*device.arguments, *common], cwd=folder, timeout=self._timeout)
        try:
            clocks = json.loads((folder / "report.json").read_text())["fmax"].values()
            return float(min(clock["achieved"] for clock in clocks))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ToolFailed(f"{router.name} reported no clock", finished.stdout + finished.stderr) from error


def _clocked(blif: str) -> str:
    """Return BLIF whose latches are registers of one clock, as tools for devices want them; the input clk is added."""
    if "\n.latch " not in blif:
        return blif
    text = re.sub(r"^(\.latch \S+ \S+) ([01])$", r"\1 re clk \2", blif, flags=re.MULTILINE)
    return text.replace("\n.outputs", "\n.inputs clk\n.outputs", 1)


def _limited(tool: Tool) -> Tool:
    """Return the tool with a limit on its memory, where the system has one."""
    if os.name != "posix":
        return tool
    return replace(tool, argv=("/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(MEMORY), *tool.argv))


def _brief(failure: ToolFailed) -> str:
    line = str(failure).partition("\n")[0].removesuffix("; it printed:").removesuffix(" and printed nothing")
    if isinstance(failure, ToolTimeout):
        return line
    errors = [text.strip() for text in failure.output.splitlines() if "ERROR" in text]
    return f"{line}: {errors[-1]}" if errors else line


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
