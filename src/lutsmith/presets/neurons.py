"""Networks of neurons that are turned into LUTs in phases: see `training.phases`."""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

Phases = list[dict[str, Any]]


def _flow(epochs: dict[str, int], inputs: list[int], rank: int, binary: dict[str, Any], luts: dict[str, Any]) -> Phases:
    """LUTNet's flow: LUTs from the second layer on.

    Args:
        epochs: of each phase, by its name; others are left out.
        inputs: weights that each output of each layer keeps.
        rank: inputs of a LUT.
        binary: settings of the phases that train binary weights.
        luts: of those that train LUTs, and keys of theirs.
    """
    layers = list(range(2, len(inputs) + 1))
    kinds: Phases = [
        {"phase": "real", **binary},
        {"phase": "binary", **binary},
        {"phase": "prune", "inputs": inputs, **binary},
        {"phase": "retrain", **binary},
        {"phase": "expand", "rank": rank, "layers": layers, **luts},
        {"phase": "inputs", "density": 0.9, "layers": layers, **luts},
    ]
    return [{**kind, "epochs": epochs[kind["phase"]]} for kind in kinds if kind["phase"] in epochs]


NEURONS = (
    Preset(
        name="lfc-digits",
        task="digits",
        description="a small LFC for the embedded 8 x 8 digits, from full precision to LUTs in phases",
        method="phases",
        architecture={"layers": [{"linear": 64}, {"linear": 64}], "bits": 3},
        settings={
            "batch_size": 32,
            "validation": 0.15,
            "phases": _flow(
                {"real": 10, "binary": 20, "prune": 10, "retrain": 10, "expand": 20, "inputs": 10},
                [24, 16, 24],
                4,
                {"lr": 0.01},
                {"lr": 0.005},
            ),
        },
        chosen="validation rows",
    ),
    Preset(
        name="lfc-lutnet",
        task="mnist",
        description="LUTNet's LFC, 784-256-256-256-256-10 on black and white pixels, LUTs from the second layer on",
        method="phases",
        architecture={"layers": [{"linear": 256}] * 4},
        settings={
            "batch_size": 250,
            "validation": 5000 / 60000,
            "shift": 1,
            "phases": _flow(
                {"real": 5, "binary": 30, "prune": 8, "expand": 130},
                [784, 32, 32, 32, 128],
                6,
                {"lr": 0.004},
                {"lr": 0.015, "recover": True, "rotate": 8, "zoom": 0.08},
            ),
        },
        accuracy=0.9817,
        seconds=2448,
        chosen="validation rows",
    ),
    Preset(
        name="cnv-cifar-10",
        task="cifar-10",
        description="CNV of FINN and LUTNet: 64-64-128-128-256-256 kernels of 3 x 3, pooled twice, 512-512-10, three "
        "thresholds a channel; as a circuit too large but for pruned networks, as a machine some 0.8 million LUTs",
        method="phases",
        architecture={
            "layers": [
                {"conv": 64},
                {"conv": 64, "pool": 2},
                {"conv": 128},
                {"conv": 128, "pool": 2},
                {"conv": 256},
                {"conv": 256},
                {"linear": 512},
                {"linear": 512},
            ],
            "bits": 3,
            "encoder": "distributive",
            "per": "channel",
        },
        settings={
            "batch_size": 100,
            "validation": 5000 / 50000,
            "shift": 2,
            "flip": 0.5,
            "phases": _flow(
                {"real": 20, "binary": 60, "prune": 40, "retrain": 20, "expand": 60},
                [27, 48, 48, 64, 64, 96, 48, 48, 128],
                4,
                {"lr": 0.003},
                {"lr": 0.003},
            ),
        },
    ),
)
