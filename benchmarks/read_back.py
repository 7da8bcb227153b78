"""Time what it takes to prove a circuit against the model it was lowered from, beside the lowering itself.

    python -m benchmarks.read_back [--repeats 3] [--json FILE]

Networks have random weights and wiring; inputs are 784 random bytes, as MNIST's. Sizes: `mnist-4k` (4,000 LUTs of rank
6, 3 thresholds a pixel), the same with 8 bits of Gray code a pixel, DWN's large one (2,000 + 1,000), and BitLogic's
2 x 64,000 LUTs of rank 4 at 8 thresholds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from lutsmith.nn import Architecture, build, prove_lowering, to_circuit

SIZES = {
    "mnist-4k": Architecture(luts=(4000,), rank=6, bits=3, num_candidates=16),
    "4,000 LUT6, Gray code": Architecture(luts=(4000,), rank=6, bits=8, encoder="gray", num_candidates=16),
    "dwn-mnist-n6-lg": Architecture(luts=(2000, 1000), rank=6, bits=3, parametrization="dwn", num_candidates=16),
    "bitlogic-mnist": Architecture(luts=(64_000, 64_000), rank=4, bits=8, num_candidates=8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    samples = np.random.default_rng(0).integers(0, 256, (1000, 1, 28, 28), dtype=np.uint8)
    table = Table("network", "LUTs", "comparators", "lowering s", "read-back s", "verdict")
    results = []
    for name, architecture in SIZES.items():
        model = build(architecture, samples, 10)
        with torch.no_grad():
            for parameter in model.parameters():  # tables of all kinds, not those that training begins with
                parameter.normal_(generator=torch.Generator().manual_seed(0))
        lowering, reading = [], []
        for _ in range(arguments.repeats):
            began = time.perf_counter()
            circuit = to_circuit(model, (1, 28, 28))
            lowering.append(time.perf_counter() - began)
            proof = prove_lowering(model, circuit)
            reading.append(proof.seconds)
        row = {
            "network": name,
            "luts": circuit.netlist.num_nodes,
            "comparators": len(circuit.encoder),
            "lowering_seconds": statistics.median(lowering),
            "read_back_seconds": statistics.median(reading),
            "verdict": proof.verdict,
        }
        results.append(row)
        seconds = f"{row['lowering_seconds']:.2f}", f"{row['read_back_seconds']:.2f}"
        table.add_row(name, f"{row['luts']:,}", f"{row['comparators']:,}", *seconds, proof.verdict)
    Console(width=110).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
