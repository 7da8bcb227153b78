"""The networks of the field at their published sizes, trained by our loop.

Layers, thresholds, tau, rates and schedules are the papers' and repositories' where those state them; a row says what
differs. DWN: Bacellar et al., arXiv:2410.11112, tables 13, 14 and 17. BitLogic: arXiv:2602.07400. difflogic: Petersen
et al., arXiv:2210.08277. torchlogix: its `Dlgn` models. LILogicNet: arXiv:2511.12340. Mommen et al.: arXiv:2607.09399.
"""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

_DWN: dict[str, Any] = {"parametrization": "dwn", "weight_init": "random"}
_DWN_SETTINGS: dict[str, Any] = {
    "epochs": 30,
    "lr": 0.02,
    "score_lr": 0.05,
    "validation": 0.05,
    "validate_every": 20,
}
_DWN_NOTE = "DWN's nodes; both wirings learned among 16 candidates, our schedule"
_DWN_IMAGES: dict[str, Any] = {"init_method": ["local", None], "connection_options": [{"window": 11}, {}]}

_GATES: dict[str, Any] = {
    "rank": 2,
    "encoder": "uniform",
    "per": "global",
    "parametrization": "raw",
    "connections": "fixed",
    "init_method": "random-unique",
}
_GATE_SETTINGS: dict[str, Any] = {
    "epochs": 333,
    "batch_size": 100,
    "lr": 0.01,
    "schedule": "constant",
    "validation": 0.05,
    "validate_every": 9,
}
_BITLOGIC: dict[str, Any] = {
    "luts": [64000, 64000],
    "rank": 4,
    "bits": 8,
    "num_candidates": 8,
    "weight_init": "random",
    "tau": 150,
}
_BITLOGIC_SETTINGS: dict[str, Any] = {"epochs": 20, "lr": 0.001, "schedule": "constant", "validation": 0.05}
_LILOGIC: dict[str, Any] = {"rank": 2, "connections": "top-k", "num_candidates": 32, "encoder": "uniform"}
_LILOGIC_SETTINGS: dict[str, Any] = {
    "epochs": 200,
    "batch_size": 256,
    "lr": 0.075,
    "validation": 0.05,
    "validate_every": 5,
}


def _dwn(name: str, task: str, luts: list[int], rank: int, bits: int, tau: float, **reached: Any) -> Preset:
    size = " + ".join(f"{width:,}" for width in luts)
    return Preset(
        name=name,
        task=task,
        description=f"{size} LUTs of rank {rank}, {bits} thresholds a pixel; {_DWN_NOTE}",
        architecture={**_DWN, **_DWN_IMAGES, "luts": luts, "rank": rank, "bits": bits, "tau": tau},
        settings={**_DWN_SETTINGS, "shift": 1},
        **reached,
    )


def _gates(name: str, task: str, layers: int, width: int, bits: int, tau: float) -> Preset:
    wiring = {"init_method": "random"} if width > 64000 else {}
    return Preset(
        name=name,
        task=task,
        description=f"{layers} layers of {width:,} two-input gates, fixed wiring, {bits} thresholds a value",
        architecture={**_GATES, **wiring, "luts": [width] * layers, "bits": bits, "tau": tau},
        settings=_GATE_SETTINGS,
    )


PUBLISHED = (
    _dwn("dwn-mnist-n2-lg", "mnist", [6000, 6000], 2, 3, 14.08),
    _dwn("dwn-mnist-n6-sm", "mnist", [1000, 500], 6, 1, 4.08, accuracy=0.9802, seconds=90.5),
    _dwn("dwn-mnist-n6-md", "mnist", [1000, 500], 6, 3, 4.08, accuracy=0.9793, seconds=74.8),
    _dwn("dwn-mnist-n6-lg", "mnist", [2000, 1000], 6, 3, 5.78, accuracy=0.9862, seconds=129.8),
    _dwn("dwn-fashion-n2", "fashion-mnist", [8000, 8000], 2, 7, 16.39),
    _dwn("dwn-fashion-n6", "fashion-mnist", [2000, 2000], 6, 7, 8.2, accuracy=0.8948, seconds=175.1),
    Preset(
        name="dwn-table",
        task=None,
        description=f"3 x 20,000 LUTs of rank 6, 200 thresholds a column, as DWN's tables; {_DWN_NOTE}",
        architecture={
            **_DWN,
            "luts": [20000, 20000, 20000],
            "bits": 200,
            "tau": 33.3,
        },
        settings={**_DWN_SETTINGS, "validation": 0.1},
    ),
    Preset(
        name="bitlogic-mnist",
        task="mnist",
        description="BitLogic's FeedForward: 2 x 64,000 LUTs of rank 4, 8 candidates a slot, 8 thresholds a pixel",
        architecture=_BITLOGIC,
        settings=_BITLOGIC_SETTINGS,
    ),
    Preset(
        name="bitlogic-fashion",
        task="fashion-mnist",
        description="the same on Fashion-MNIST",
        architecture=_BITLOGIC,
        settings=_BITLOGIC_SETTINGS,
    ),
    _gates("torchlogix-mnist-tiny", "mnist", 5, 1000, 1, 10),
    _gates("torchlogix-mnist-small", "mnist", 5, 8000, 1, 10),
    _gates("torchlogix-mnist-medium", "mnist", 5, 64000, 1, 33.3),
    _gates("difflogic-mnist-small", "mnist", 6, 8000, 1, 10),
    _gates("difflogic-mnist-medium", "mnist", 6, 64000, 1, 30),
    _gates("difflogic-cifar-10-small", "cifar-10", 4, 12000, 3, 100),
    _gates("difflogic-cifar-10-medium", "cifar-10", 4, 128000, 3, 100),
    _gates("difflogic-cifar-10-large", "cifar-10", 5, 256000, 31, 100),
    _gates("difflogic-cifar-10-large-x2", "cifar-10", 5, 512000, 31, 100),
    _gates("difflogic-cifar-10-large-x4", "cifar-10", 5, 1024000, 31, 100),
    Preset(
        name="lilogicnet-8k",
        task="mnist",
        description="8,000 two-input gates, each input learned among 32 candidates; 3 thresholds a pixel",
        architecture={**_LILOGIC, "luts": [8000], "bits": 3},
        settings=_LILOGIC_SETTINGS,
    ),
    Preset(
        name="lilogicnet-32k",
        task="mnist",
        description="2 x 16,000 two-input gates, each input learned among 32 candidates; 3 thresholds a pixel",
        architecture={**_LILOGIC, "luts": [16000, 16000], "bits": 3},
        settings=_LILOGIC_SETTINGS,
    ),
    Preset(
        name="mommen-mnist",
        task="mnist",
        description="2 x 2,000 LUTs of rank 6, wiring of both layers learned, among 16 candidates instead of all",
        architecture={
            "luts": [2000, 2000],
            "bits": 3,
            "tau": 6,
            "weight_init": "random",
            "init_method": ["local", None],
            "connection_options": [{"window": 13}, {}],
        },
        settings={"epochs": 40, "lr": 0.05, "shift": 1, "validation": 0.05, "validate_every": 20},
        accuracy=0.9880,
        seconds=251.6,
    ),
)
"""The rows, by library."""
