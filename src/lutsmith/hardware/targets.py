"""The targets of synthesis as data: the passes of Yosys, the cells that are LUTs and registers, and the devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A device that the open tools place and route for.

    Attributes:
        name: as its maker calls it.
        arguments: of nextpnr.
        luts: that it has, of four inputs.
    """

    name: str
    arguments: tuple[str, ...]
    luts: int


@dataclass(frozen=True)
class Target:
    """A family of devices, or standard cells.

    Attributes:
        name: as `synth` knows it.
        passes: of Yosys, on a netlist that was read; none for standard cells.
        luts: a pattern for the cells that are LUTs, shift registers made of LUTs included.
        ffs: one for registers.
        router: the place and route tool; none where there is no open one.
        devices: from small to large.
    """

    name: str
    passes: str = ""
    luts: str = ""
    ffs: str = ""
    router: str = ""
    devices: tuple[Device, ...] = ()

    def count(self, cells: Mapping[str, int]) -> tuple[int, int]:
        """Return the LUTs and the registers among cells."""
        counts = [sum(n for name, n in cells.items() if re.fullmatch(kind, name)) for kind in (self.luts, self.ffs)]
        return counts[0], counts[1]


TARGETS = {
    target.name: target
    for target in (
        Target("xilinx", "synth_xilinx -flatten -noiopad -noclkbuf", r"LUT[1-6]|SRL\w+", r"FD[RSCP]E(_1)?"),
        Target(
            "ecp5",
            "synth_ecp5",
            r"LUT4",
            r"TRELLIS_FF",
            "nextpnr-ecp5",
            tuple(
                Device(f"LFE5U-{size}F", (f"--{size}k", "--package", "CABGA381", "--speed", "6"), luts)
                for size, luts in ((25, 24_000), (45, 44_000), (85, 84_000))
            ),
        ),
        Target(
            "ice40",
            "synth_ice40",
            r"SB_LUT4",
            r"SB_DFF\w*",
            "nextpnr-ice40",
            (
                Device("iCE40-HX1K", ("--hx1k", "--package", "vq100", "--pcf-allow-unconstrained"), 1_280),
                Device("iCE40-HX8K", ("--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"), 7_680),
            ),
        ),
        Target(
            "gowin",
            "synth_gowin",
            r"LUT[1-4]",
            r"DFF\w*",
            "nextpnr-gowin",
            (Device("GW1NR-9", ("--device", "GW1NR-LV9QN88PC6/I5"), 8_640),),
        ),
        Target("asic"),
    )
}
"""The targets by name."""

FLIP_FLOP = 6.0
"""NAND2 equivalents of a register: 24 transistors."""

_TRANSISTORS = {
    "inv O=!a": 2,
    "nand2 O=!(a*b)": 4,
    "nor2 O=!(a+b)": 4,
    "nand3 O=!(a*b*c)": 6,
    "nor3 O=!(a+b+c)": 6,
    "nand4 O=!(a*b*c*d)": 8,
    "nor4 O=!(a+b+c+d)": 8,
    "aoi21 O=!(a*b+c)": 6,
    "oai21 O=!((a+b)*c)": 6,
    "aoi22 O=!(a*b+c*d)": 8,
    "oai22 O=!((a+b)*(c+d))": 8,
    "xor2 O=a*!b+!a*b": 10,
    "xnor2 O=a*b+!a*!b": 10,
    "mux2 O=a*!c+b*c": 12,
}
"""Gates of static CMOS, and the transistors in each."""


def genlib() -> str:
    """Return the gates of the target asic as a library for ABC; areas are NAND2 equivalents, transistors over four."""
    gates = ["GATE zero 0 O=CONST0;", "GATE one 0 O=CONST1;", "GATE wire 0 O=a; PIN * NONINV 1 999 0 0 0 0"]
    for gate, transistors in _TRANSISTORS.items():
        name, function = gate.split(" ", 1)
        gates.append(f"GATE {name} {transistors / 4:g} {function}; PIN * UNKNOWN 1 999 1 0 1 0")
    return "\n".join(gates) + "\n"
