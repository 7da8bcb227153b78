"""A training step of a preset with wires that rest, and with layers that are frozen: what each costs.

    python -m benchmarks.frozen [PRESET ...] [--steps 6] [--data DIR] [--json FILE]

Forward, backward and Adam at the preset's batch size, on one thread, in the processor's time: the median of the steps.
A layer that is frozen and hardened, from the input on, has no backward pass; wires that rest or are frozen have none of
scores.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import lutsmith
from lutsmith.kernels import threads
from lutsmith.nn import Architecture, build
from lutsmith.nn.connections.base import LearnedConnections
from lutsmith.training.lut_layers import lut_layers


def seconds(model: nn.Module, x: Any, y: Any, steps: int) -> list[float]:
    """Return the medians of the parts of a step: forward, backward, update."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(wanted, lr=0.01, fused=True)
    found = []
    for _ in range(steps + 2):
        times = [time.process_time()]
        loss = nn.functional.cross_entropy(model(x), y)
        times.append(time.process_time())
        loss.backward()
        times.append(time.process_time())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.process_time())
        found.append([end - start for start, end in itertools.pairwise(times)])
    return [statistics.median(column) for column in zip(*found[2:], strict=True)]


def forms(model: nn.Module) -> dict[str, nn.Module]:
    """Return copies of a network, each with another part at rest."""
    found = {"all is trained": copy.deepcopy(model)}
    resting, frozen = copy.deepcopy(model), copy.deepcopy(model)
    if any(isinstance(module, LearnedConnections) for module in model.modules()):
        for copied, still in ((resting, lambda module: module.rest(True)), (frozen, lambda module: module.freeze())):
            for module in copied.modules():
                if isinstance(module, LearnedConnections):
                    still(module)
        found |= {"wires rest": resting, "wires are frozen": frozen}
    for count in range(1, len(lut_layers(model, "this"))):
        cut = copy.deepcopy(model)
        for layer in lut_layers(cut, "this")[:count]:
            layer.weight.requires_grad_(False)
            layer.freeze()
            layer.harden()
        found[f"{count} of {len(lut_layers(model, 'this'))} layers frozen"] = cut
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=["mnist-fast", "conv-mnist-60k", "conv-cifar-270k"])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    threads.set_num_threads(1)
    table = Table("preset", "form", "forward ms", "backward ms", "update ms", "step ms")
    results = []
    for name in arguments.presets:
        preset = lutsmith.presets.get(name)
        dataset = lutsmith.data.load(preset.task, None if preset.task == "digits" else arguments.data)
        rows = int(preset.settings.get("batch_size", 128))
        x, y = dataset.x_train[: max(rows, 2000)], dataset.y_train[:rows]
        architecture = Architecture.from_json(preset.architecture).shared_by(dataset.num_classes)
        model = build(architecture, x, dataset.num_classes).train()
        for form, cut in forms(model).items():
            parts = seconds(cut, torch.from_numpy(x[:rows]), torch.from_numpy(y).long(), arguments.steps)
            results.append(
                {"preset": name, "form": form, "forward": parts[0], "backward": parts[1], "update": parts[2]}
            )
            table.add_row(name, form, *(f"{1e3 * part:.1f}" for part in (*parts, sum(parts))))
    Console(width=120).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
