"""Convolutional presets as machines that read a pixel in each clock cycle, against their unrolled circuits.

    python -m benchmarks.streams [--presets NAME ...] [--images N] [--json FILE]

Networks are untrained: LUTs have random tables, binary weights random signs; batch norms know 200 images of random
bytes. `cnv-cifar-10 pruned` went through all phases of its preset without training: pruned at random, and LUTs of
random wires. `unrolled` are the LUTs of `to_circuit`; of neurons about those, without making them. `cycles` are those
from an image to the next, and from its first pixel to its decision; `levels` the LUTs on the longest path between
registers; seconds are those of the processor, of `to_stream` alone, and MB the most memory of the process so far. The
machine decides `--images` random images, one after the other, and is compared with the network; 0 leaves that out.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.convolution_circuits import SHAPES, random_model
from lutsmith import presets
from lutsmith.nn import to_circuit, to_stream
from lutsmith.nn.neurons import NeuronArchitecture, build_neurons, prune
from lutsmith.nn.neurons.counts import luts_at_all_places
from lutsmith.training.phases import PhasedSettings

PRUNED = " pruned"
ROWS = ("conv-mnist-60k", "conv-cifar-130k", "conv-cifar-270k", "cnv-cifar-10" + PRUNED, "cnv-cifar-10")
COLUMNS = ("unrolled", "LUTs", "registers", "levels", "cycles", "seconds", "MB", "equal")


def random_neurons(name: str, *, pruned: bool) -> tuple[nn.Sequential, tuple[int, ...]]:
    """A network of neurons with binary weights, or after all of its phases, and the shape of its images."""
    preset = presets.get(name)
    shape = SHAPES[preset.task]
    images = np.random.default_rng(0).integers(0, 256, (200, *shape), dtype=np.uint8)
    model = build_neurons(NeuronArchitecture.from_json(preset.architecture), images, 10)
    phases = PhasedSettings.from_json(preset.settings).wanted
    for number, phase in enumerate(phases if pruned else phases[:2]):
        for pruning in phase.change(model, number):
            for layer, density in pruning.densities.items():
                prune(model.get_submodule(layer), density=density, per=pruning.per)
    with torch.no_grad():
        for _ in range(20):
            model.train()(torch.from_numpy(images).float())
    return model.eval(), shape


def measured(name: str, count: int) -> dict[str, Any]:
    base = name.removesuffix(PRUNED)
    torch.manual_seed(0)
    if presets.get(base).method == "phases":
        model, shape = random_neurons(base, pruned=name.endswith(PRUNED))
    else:
        model, shape = random_model(base)
    start = time.process_time()
    stream = to_stream(model, shape)
    seconds = time.process_time() - start
    netlist = stream.circuit.netlist
    row: dict[str, Any] = {
        "LUTs": netlist.num_nodes,
        "registers": netlist.num_registers,
        "levels": netlist.level_ptr.size - 1,
        "cycles": [stream.period, stream.latency],
        "seconds": round(seconds, 1),
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if count:
        images = np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)
        with torch.no_grad():
            expected = model(torch.from_numpy(images).float()).argmax(1).numpy()
        row["equal"] = bool((stream.run(images[None])[0] == expected).all())
    neurons = presets.get(base).method == "phases"
    row["unrolled"] = luts_at_all_places(model, shape) if neurons else to_circuit(model, shape).netlist.num_nodes
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    console = Console(width=120)
    for name in options.presets:
        found[name] = row = measured(name, options.images)
        console.print(name, row)
    table = Table("network", *COLUMNS)
    for name, row in found.items():
        told = [row.get(column, "") for column in COLUMNS]
        table.add_row(
            name, *(f"{each:,}" if isinstance(each, int) and each is not True else str(each) for each in told)
        )
    console.print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
