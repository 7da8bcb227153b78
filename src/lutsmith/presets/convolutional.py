"""Convolutional networks: ours, of sizes that two cores train, and the field's at their published sizes.

LogicTreeNet: Petersen et al., arXiv:2411.04732; trees, thresholds, tau, rates and batches are the paper's, which states
no number of epochs. CompactLogic: arXiv:2602.05830, its networks `conv_spm`. torchlogix: its models `ClgnMnist` and
`ClgnCifar10`, and the recipe by which it trains them. All are trained by our loop, and say what differs. Descriptions
count tables, which are learned, and their LUTs at all places; pools come on top.
"""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

Layers = list[dict[str, Any]]

# Ours

_OURS: dict[str, Any] = {"per": "channel", "connections": "learnable"}
_OURS_SETTINGS: dict[str, Any] = {
    "batch_size": 128,
    "lr": 0.05,
    "temperature_final": 0.2,
    "annealing": "linear",
    "validation": 0.1,
    "validate_every": 1,
}


def _pooled(kernels: tuple[int, ...], window: int = 3) -> Layers:
    """Convolutions that keep the size, the first of another window, an OR of 2 x 2 behind each."""
    layers: Layers = []
    for number, count in enumerate(kernels):
        taps = window if number == 0 else 3
        layers += [{"conv": count, "window": taps, "padding": taps // 2}, {"pool": "or"}]
    return layers


def _ours(
    name: str,
    task: str,
    what: str,
    architecture: dict[str, Any],
    settings: dict[str, Any],
    accuracy: float | None = None,
    seconds: float | None = None,
) -> Preset:
    return Preset(
        name=name,
        task=task,
        description=what,
        architecture={**_OURS, **architecture},
        settings={**_OURS_SETTINGS, **settings},
        accuracy=accuracy,
        seconds=seconds,
        chosen="validation rows",
    )


_LUT6: dict[str, Any] = {
    "rank": 6,
    "encoder": "uniform",
    "num_candidates": 16,
    "layers": [{"conv": 32, "window": 5}, {"pool": "or"}, *_pooled((96, 192))],
    "luts": [10000],
}
_CIFAR: dict[str, Any] = {"shift": 2, "flip": 0.5}
_SHARP: dict[str, Any] = {"lr": 0.08, "temperature_final": 0.1}


def _edges(thresholds: int) -> dict[str, Any]:
    """LUT4 behind thresholds of pixels, and so many of the differences of neighbours in each of four directions."""
    options = {"edges": {"num_bits": thresholds, "step": 8}}
    return {"rank": 4, "num_candidates": 8, "encoder": "image", "encoder_options": options}


OURS = (
    _ours(
        "conv-mnist-60k",
        "mnist",
        "MNIST with at most 60,000 LUTs of rank 6 in all, three convolutions with pools",
        {**_LUT6, "bits": 2},
        {"shift": 1, "rotate": 10.0, "epochs": 36, "freeze": (0.5, 0.62, 0.74), "validate_every": 3},
        accuracy=0.99,
        seconds=876,
    ),
    _ours(
        "conv-mnist-140k",
        "mnist",
        "MNIST with at most 140,000 LUTs of rank 4 in all, three convolutions, the last without a pool",
        {
            "rank": 4,
            "encoder": "uniform",
            "bits": 2,
            "num_candidates": 8,
            "layers": _pooled((48, 192, 384), 5)[:-1],
            "luts": [16000, 8000],
        },
        {"shift": 1, "rotate": 10.0, "epochs": 15},
    ),
    _ours(
        "conv-fashion-230k",
        "fashion-mnist",
        "Fashion-MNIST with at most 230,000 LUTs of rank 4 behind edges, three convolutions with pools",
        {**_edges(3), "bits": 4, "layers": _pooled((96, 256, 768)), "luts": [16000, 8000]},
        {**_SHARP, "shift": 1, "flip": 0.5, "epochs": 36},
        accuracy=0.9076,
        seconds=2938,
    ),
    _ours(
        "conv-cifar-130k",
        "cifar-10",
        "CIFAR-10 with at most 130,000 LUTs of rank 6 in all, three convolutions with pools",
        {"rank": 6, "bits": 3, "num_candidates": 8, "layers": _pooled((32, 128, 512)), "luts": [4000]},
        {**_CIFAR, "epochs": 20},
    ),
    _ours(
        "conv-cifar-270k",
        "cifar-10",
        "CIFAR-10 with at most 270,000 LUTs of rank 4 in all, three convolutions with pools",
        {"rank": 4, "bits": 3, "num_candidates": 8, "layers": _pooled((64, 256, 1024)), "luts": [16000, 8000]},
        {**_CIFAR, "epochs": 20},
    ),
    _ours(
        "conv-cifar-360k",
        "cifar-10",
        "CIFAR-10 with at most 360,000 LUTs of rank 4 behind edges, three convolutions with pools",
        {**_edges(2), "bits": 3, "layers": _pooled((128, 256, 1024)), "luts": [16000, 16000]},
        {**_SHARP, **_CIFAR, "epochs": 30},
        accuracy=0.6996,
        seconds=5056,
    ),
)
"""Our own rows."""

# The field's

_GATES: dict[str, Any] = {
    "rank": 2,
    "encoder": "uniform",
    "per": "global",
    "parametrization": "raw",
    "connections": "fixed",
}
_TREES: dict[str, Any] = {**_GATES, "init_method": ["random", "arange", "arange"], "residual_probability": 0.9}
_CROPS: dict[str, Any] = {"flip": 0.5, "crop": 2, "crop_fill": "edge"}
_LOOP: dict[str, Any] = {"schedule": "constant", "validation": 0.1, "validate_every": 5}


def _trees(k: int, widths: tuple[int, ...], window: int, around: int, *, pool: int, **wiring: Any) -> Layers:
    """Convolutions by trees of seven gates on eight leaves, an OR behind each.

    Args:
        k: kernels for each unit of a width.
        widths: of the layers.
        window: of the first layer.
        around: pixels around its image.
        pool: pixels that pools reach beyond the image behind the first, in whose place layers have no padding.
        **wiring: of the layers behind the first.
    """
    layers: Layers = []
    for number, width in enumerate(widths):
        geometry = {"window": window, "padding": around} if number == 0 else {"padding": 1 - pool, **wiring}
        behind = {"padding": pool} if number and pool else {}
        layers += [{"conv": width * k, "tree_depth": 3, **geometry}, {"pool": "or", **behind}]
    return layers


def _dense(k: int, wider: int = 1) -> list[int]:
    return [1280 * k * wider, 640 * k * wider, 320 * k * wider]


def _counts(tables: int, luts: int) -> str:
    return f"{tables:,} tables at {luts:,} places"


def _logic_tree_net(task: str, size: str, k: int, tau: float, batch: int, tables: int, luts: int) -> Preset:
    mnist = task == "mnist"
    layers = _trees(k, (1, 3, 9), 5, 0, pool=0) if mnist else _trees(k, (1, 4, 16, 32), 3, 1, pool=0)
    decay: dict[str, Any] = {"optimizer": "adamw", "optimizer_options": {"weight_decay": 0.002}}
    rates = {"lr": 0.01} if mnist else {"lr": 0.02, **decay, **_CROPS}
    return Preset(
        name=f"logictreenet-{task}-{size.lower()}",
        task=task,
        description=(
            f"LogicTreeNet {size} (arXiv:2411.04732), {_counts(tables, luts)}: trees of seven gates on two channels, "
            "dealt out evenly where the paper draws them; copies of images and epochs are ours"
        ),
        architecture={
            **_TREES,
            "bits": 1 if mnist else 3,
            "layers": layers,
            "luts": _dense(k, 2 if mnist else 1),
            "tau": tau,
        },
        settings={**_LOOP, **rates, "batch_size": batch, "epochs": 200},
    )


def _clgn_mnist(size: str, k: int, tau: float, tables: int, luts: int) -> Preset:
    return Preset(
        name=f"torchlogix-clgn-mnist-{size}",
        task="mnist",
        description=(
            f"torchlogix's ClgnMnist{size.capitalize()}, {_counts(tables, luts)}: pools reach beyond the image in the "
            "place of padded layers, leaves from anywhere in the window"
        ),
        architecture={
            **_GATES,
            "bits": 1,
            "layers": _trees(k, (1, 3, 9), 5, 0, pool=1, init_method="random"),
            "luts": _dense(k),
            "tau": tau,
        },
        settings={**_LOOP, "lr": 0.01, "epochs": 100},
    )


def _clgn_cifar(size: str, k: int, bits: int, tau: float, tables: int, luts: int) -> Preset:
    layers = _trees(k, (1, 4, 16, 32), 3, 1, pool=0, channel_groups="sliding")
    layers[0]["channel_groups"] = "sliding"
    last = layers[-2]
    del last["channel_groups"]
    last["init_method"] = "random"
    return Preset(
        name=f"torchlogix-clgn-cifar-10-{size}",
        task="cifar-10",
        description=(
            f"torchlogix's ClgnCifar10{size.capitalize()}, {_counts(tables, luts)}: {bits} thresholds, neighbouring "
            "pairs of channels, in the last layer leaves from anywhere in the window; taps dealt out evenly"
        ),
        architecture={**_GATES, "encoder": "distributive", "per": "channel", "bits": bits, "layers": layers}
        | {"luts": _dense(k), "tau": tau},
        settings={**_LOOP, "lr": 0.02, "optimizer": "adamw", "optimizer_options": {"weight_decay": 0.002}}
        | {"epochs": 285},
    )


def _compact_logic(task: str, size: str, k: int, bits: int, tau: float, tables: int, luts: int) -> Preset:
    wiring = {"channel_group_size": 1, "channel_groups": "sliding", "connections": "learnable", "num_candidates": 8}
    steps = [(k, 2), (k, 1), (4 * k, 2), (4 * k, 1)]
    copies = {"rotate": 15.0, "shift": 3} if task == "mnist" else _CROPS
    return Preset(
        name=f"compactlogic-{task}-{size.lower()}",
        task=task,
        description=(
            f"CompactLogic {size} (arXiv:2602.05830), {_counts(tables, luts)}: kernels of a gate on one channel, "
            "no pools; each wire learned among 8, where a gate with its wires is learned as one of 16 triples there"
        ),
        architecture={
            **_GATES,
            "bits": bits,
            "residual_probability": 0.9,
            "connections": "learnable",
            "num_candidates": 8,
            "layers": [{"conv": count, "stride": stride, "padding": 1, **wiring} for count, stride in steps],
            "luts": [625 * k, 625 * k],
            "tau": tau,
        },
        settings={**_LOOP, "lr": 0.02, **copies, "epochs": 1536},
    )


CONVOLUTIONAL = (
    _logic_tree_net("cifar-10", "S", 32, 20, 128, 83_552, 874_496),
    _logic_tree_net("cifar-10", "M", 256, 40, 128, 668_416, 6_995_968),
    _logic_tree_net("mnist", "S", 16, 6.5, 512, 73_136, 220_864),
    _logic_tree_net("mnist", "M", 64, 28, 256, 292_544, 883_456),
    _compact_logic("cifar-10", "T", 64, 3, 20, 80_640, 145_536),
    _compact_logic("cifar-10", "S", 128, 3, 40, 161_280, 291_072),
    _compact_logic("cifar-10", "M", 256, 7, 63, 322_560, 582_144),
    _compact_logic("mnist", "S", 128, 1, 40, 161_280, 260_352),
    _compact_logic("mnist", "M", 256, 1, 63, 322_560, 520_704),
    _clgn_mnist("tiny", 4, 1, 9_324, 37_520),
    _clgn_mnist("small", 16, 6.5, 37_296, 150_080),
    _clgn_mnist("medium", 64, 28, 149_184, 600_320),
    _clgn_mnist("large", 1024, 35, 2_386_944, 9_605_120),
    _clgn_cifar("small", 32, 2, 20, 83_552, 874_496),
    _clgn_cifar("medium", 256, 2, 40, 668_416, 6_995_968),
    _clgn_cifar("large", 512, 5, 280, 1_336_832, 13_991_936),
)
"""The field's rows."""
