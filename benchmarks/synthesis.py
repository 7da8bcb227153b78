"""Counts of an open flow beside published ones of a vendor's, for circuits of the same shape.

    python benchmarks/synthesis.py [--target xilinx] [--model PATH ...]

Published networks of DWN (Bacellar et al., 2024, arXiv:2410.11112; counted by Vivado for xcvu9p, without their encoder)
are rebuilt in their shape: random tables, as many LUTs, outputs and classes. Random tables are the hardest: nothing
folds away. With `--model`, trained model files are counted too.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np

from lutsmith.circuit import Circuit, Comparators, Head, NetlistBuilder
from lutsmith.circuit.file import load
from lutsmith.hardware.synthesis import Synthesis, synth
from lutsmith.hardware.targets import TARGETS
from lutsmith.logic import elaborate


class Published(NamedTuple):
    """A row of a paper: the network, and the LUTs that the vendor's tool counted for network and head."""

    name: str
    features: int
    layers: tuple[int, ...]
    classes: int
    luts: int


PUBLISHED = (
    Published("JSC sm-10", 3200, (10,), 5, 20),
    Published("JSC sm-50", 3200, (50,), 5, 110),
    Published("JSC md-360", 3200, (360,), 5, 720),
    Published("JSC lg-2400", 3200, (2400,), 5, 4972),
    Published("MNIST 1000, 500", 2352, (1000, 500), 10, 2055),
    Published("MNIST lg 2000, 1000", 2352, (2000, 1000), 10, 4082),
)


def shaped(row: Published) -> Circuit:
    """Return a circuit of that shape: each LUT reads six different inputs, and its table is random."""
    rng = np.random.default_rng(0)
    builder = NetlistBuilder(row.features)
    signals = np.arange(row.features, dtype=np.int32)
    for width in row.layers:
        fanin = np.array([rng.choice(signals, 6, replace=False) for _ in range(width)])
        signals = builder.lut(fanin, rng.integers(0, 2, (width, 64)))
    encoder = Comparators(np.arange(row.features), np.zeros(row.features, np.float32), row.features)
    return Circuit((row.features,), encoder, builder.build(signals), Head(row.classes))


def line(name: str, found: Synthesis, luts: int | None) -> str:
    network, head, total = found["network"], found["head"], found["sum"]
    device = "-" if total.luts is None else f"{total.luts:,}"
    ratio = "" if luts is None else f" {luts:,} | {total.lut6 / luts:.2f} |" if total.lut6 else f" {luts:,} | - |"
    return f"| {name} | {network.lut6:,} | {head.lut6:,} | {total.lut6:,} | {device} |{ratio or ' - | - |'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="xilinx", choices=list(TARGETS))
    parser.add_argument("--model", action="append", default=[], metavar="PATH")
    chosen = parser.parse_args()
    print("| network | LUT6, network | LUT6, head | LUT6 | LUTs of the device | published | LUT6 / published |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    rows = [(row.name, shaped(row), row.luts) for row in PUBLISHED]
    rows += [(path, load(path), None) for path in chosen.model]
    for name, circuit, luts in rows:
        design = elaborate(circuit, encoder=False, scores=False)
        found = synth(design, chosen.target, progress=lambda text: print(text, file=sys.stderr))
        print(line(name, found, luts), flush=True)


if __name__ == "__main__":
    main()
