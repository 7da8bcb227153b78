"""What edges of images cost: LUTs a bit, predictions a second from raw bytes, and the proof.

    python -m benchmarks.edges

Reads CIFAR-10 (LUTSMITH_DATA). One thread of the engine; docs/circuits.md has the table.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import torch
from torch import nn

import lutsmith
from lutsmith.circuit import Circuit, Head
from lutsmith.nn import EdgeThermometer, ImageThermometer

ENCODERS = {
    "edges, any threshold": lambda: EdgeThermometer(3, unique=True),
    "edges, step=8": lambda: EdgeThermometer(3, step=8, unique=True),
    "pixels and edges, step=8": lambda: ImageThermometer(3, edges={"num_bits": 3, "step": 8}, unique=True),
    "edges of sums, step=8": lambda: EdgeThermometer(3, of="sum", step=8, unique=True),
    "curvature, step=8": lambda: EdgeThermometer(3, order=2, step=8, unique=True),
}
"""Encoders of CIFAR-10 by name."""


def rate(circuit: Circuit, images: np.ndarray) -> float:
    """Return how many samples a second are predicted by a count of all outputs, best of three."""
    outputs = circuit.netlist.outputs
    some = replace(circuit.netlist, outputs=outputs[: outputs.size // 10 * 10])
    counted = replace(circuit, netlist=some, head=Head(10))
    counted.predict(images[:2048])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        counted.predict(images)
        times.append(time.perf_counter() - start)
    return len(images) / min(times)


def main() -> None:
    os.environ["LUTSMITH_NUM_THREADS"] = "1"
    images = lutsmith.data.load("cifar-10").x_train[:45000]
    for name, make in ENCODERS.items():
        encoder = make().fit(images)
        model = nn.Sequential(encoder, nn.Flatten()).eval()
        start = time.process_time()
        circuit = lutsmith.to_circuit(model, images.shape[1:])
        lowered = time.process_time()
        proof = lutsmith.prove_lowering(model, circuit)
        proved = time.process_time()
        small = lutsmith.simplify(circuit).circuit
        bits, luts = int(encoder.usable.sum()), circuit.netlist.num_nodes
        with torch.no_grad():
            equal = np.array_equal(circuit.outputs(images[:2000]), model(torch.from_numpy(images[:2000])).numpy() == 1)
        print(
            f"{name}: {bits:,} bits, {luts:,} LUTs, {luts / bits:.2f} a bit, simplified {small.netlist.num_nodes:,}, "
            f"{rate(circuit, images[:8192]):,.0f} predictions/s, lowering {lowered - start:.2f} s, "
            f"{'proved' if proof.ok else 'NOT PROVED'} in {proved - lowered:.1f} s, {'equal' if equal else 'DIFFERENT'}"
        )


if __name__ == "__main__":
    main()
