"""Our own rows: the digits, images at each size, and tables."""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

_IMAGES: dict[str, Any] = {"lr": 0.05, "shift": 1, "validation": 0.05, "validate_every": 20}
_WINDOWS: dict[str, Any] = {
    "rank": 6,
    "num_candidates": 16,
    "init_method": ["local"],
    "connection_options": [{"window": 13}],
}
_FASHION: dict[str, Any] = {**_WINDOWS, "bits": 7, "connection_options": [{"window": 11}]}
_GATES: dict[str, Any] = {
    "rank": 2,
    "num_candidates": 32,
    "init_method": ["local", None],
    "connection_options": [{"window": 11}, {}],
    "weight_init": "random",
}
_TABLE: dict[str, Any] = {"bits": 127, "num_candidates": 64, "sampling": "hard", "residual_probability": 0.8}
_TABLE_SETTINGS: dict[str, Any] = {"batch_size": 512, "lr": 0.02, "bit_flip": 0.02, "validate_every": 2}
_MONKS: dict[str, Any] = {"luts": [200], "bits": 1, "residual_probability": 0.8}
_MONKS_SETTINGS: dict[str, Any] = {
    "epochs": 200,
    "batch_size": 32,
    "lr": 0.02,
    "validation": 0.0,
    "validate_every": 50,
}

IMAGES = (
    Preset(
        name="digits-fast",
        task="digits",
        description="embedded 8 x 8 digits in seconds",
        architecture={"luts": [2000], "rank": 6, "bits": 15, "encoder": "uniform", "num_candidates": 16},
        settings={"epochs": 80, "batch_size": 64, "lr": 0.03, "bit_flip": 0.1, "validate_every": 4},
        accuracy=0.9778,
        seconds=7.1,
    ),
    Preset(
        name="mnist-fast",
        task="mnist",
        description="98.5 % of MNIST within a minute of training on one core",
        architecture={**_WINDOWS, "luts": [4000], "bits": 3, "tau": 8, "weight_init": "random"},
        settings={**_IMAGES, "epochs": 10, "validate_every": 5},
        accuracy=0.9854,
        seconds=42.4,
    ),
    Preset(
        name="images",
        task="images",
        description="images of any size in folders: what mnist-fast is, with thresholds for each channel",
        architecture={**_WINDOWS, "luts": [4000], "bits": 3, "per": "channel", "tau": 8, "weight_init": "random"},
        settings={**_IMAGES, "epochs": 10, "validate_every": 5},
    ),
    Preset(
        name="mnist-1k",
        task="mnist",
        description="MNIST with at most 1,000 LUTs of rank 6; `lutsmith polish` adds a tenth of a point",
        architecture={**_WINDOWS, "luts": [1000], "bits": 3, "tau": 5},
        settings={**_IMAGES, "epochs": 40},
        accuracy=0.9793,
        seconds=114.3,
    ),
    Preset(
        name="mnist-2k",
        task="mnist",
        description="the best of MNIST with at most 2,000 LUTs of rank 6",
        architecture={**_WINDOWS, "luts": [2000], "bits": 3, "tau": 5},
        settings={**_IMAGES, "epochs": 40},
        accuracy=0.9869,
        seconds=101.4,
    ),
    Preset(
        name="mnist-4k",
        task="mnist",
        description="the best of MNIST with at most 4,000 LUTs of rank 6",
        architecture={**_WINDOWS, "luts": [4000], "bits": 3, "tau": 8},
        settings={**_IMAGES, "epochs": 40},
        accuracy=0.9872,
        seconds=174.7,
    ),
    Preset(
        name="cifar-60k",
        task="cifar-10",
        description="CIFAR-10 without convolutions: 60,000 LUTs of rank 6 in two layers, behind edges",
        architecture={
            **_WINDOWS,
            "luts": [40000, 20000],
            "bits": 3,
            "tau": 20,
            "encoder": "image",
            "encoder_options": {"edges": {"num_bits": 2, "step": 8}},
            "per": "channel",
            "init_method": ["local", None],
            "connection_options": [{"window": 9}, {}],
        },
        settings={
            **_IMAGES,
            "lr": 0.08,
            "temperature_final": 0.1,
            "shift": 2,
            "flip": 0.5,
            "validation": 0.1,
            "validate_every": 1,
            "epochs": 16,
        },
        accuracy=0.5918,
        seconds=2153,
        chosen="validation rows",
    ),
    Preset(
        name="mnist-gates-8k",
        task="mnist",
        description="the best of MNIST with 8,000 two-input gates",
        architecture={**_GATES, "luts": [4000, 4000], "bits": 3, "tau": 8},
        settings={**_IMAGES, "epochs": 40, "lr": 0.1},
        accuracy=0.9847,
        seconds=413.6,
    ),
    Preset(
        name="fashion",
        task="fashion-mnist",
        description="Fashion-MNIST with at most 8,000 LUTs of rank 6",
        architecture={"luts": [8000], "rank": 6, "bits": 7, "num_candidates": 16},
        settings={**_IMAGES, "epochs": 60, "lr": 0.03, "validate_every": 5},
        accuracy=0.8986,
        seconds=361.2,
    ),
    Preset(
        name="fashion-16k",
        task="fashion-mnist",
        description="Fashion-MNIST with at most 16,000 LUTs of rank 6",
        architecture={**_FASHION, "luts": [16000], "tau": 16},
        settings={**_IMAGES, "epochs": 25, "flip": 0.5},
        accuracy=0.8961,
        seconds=386.5,
    ),
)
"""Rows of images."""

TABLES = (
    Preset(
        name="table",
        task=None,
        description="tables of numbers and categories, a few hundred to a million rows",
        architecture={"luts": [1000], "rank": 6, "bits": 15, "num_candidates": 16},
        settings={"epochs": 40, "lr": 0.02, "batch_size": 128},
    ),
    Preset(
        name="adult",
        task="adult",
        description="census income, 1,000 LUTs of rank 3",
        architecture={
            "luts": [1000],
            "rank": 3,
            "bits": 255,
            "num_candidates": 128,
            "residual_probability": 0.8,
        },
        settings={"epochs": 10, "batch_size": 512, "lr": 0.02, "temperature_final": 0.1, "validate_every": 2},
        accuracy=0.8626,
        seconds=7.6,
        chosen="validation rows",
    ),
    *(
        Preset(
            name=f"monks-{number}",
            task=f"monks-{number}",
            description=f"the MONK's problem {number}, 200 LUTs of rank 6",
            architecture=_MONKS,
            settings=_MONKS_SETTINGS,
            chosen="test rows",
        )
        for number in (1, 2, 3)
    ),
    Preset(
        name="skin-seg",
        task="skin-seg",
        description="skin or not from three bytes, 1,000 LUTs of rank 6",
        architecture={**_TABLE, "luts": [1000], "bits": 31, "num_candidates": 16},
        settings={**_TABLE_SETTINGS, "batch_size": 256, "epochs": 4, "bit_flip": 0.0, "validate_every": 1},
        accuracy=0.9989,
        seconds=12.5,
        chosen="validation rows",
    ),
    Preset(
        name="magic-gamma",
        task="magic-gamma",
        description="gamma showers from hadrons, 1,000 LUTs of rank 6",
        architecture={**_TABLE, "luts": [1000], "bits": 63},
        settings={**_TABLE_SETTINGS, "epochs": 25, "bit_flip": 0.05, "validate_every": 5},
        accuracy=0.8683,
        seconds=9.6,
        chosen="validation rows",
    ),
    Preset(
        name="dry-bean",
        task="dry-bean",
        description="seven kinds of beans, 1,050 LUTs of rank 6",
        architecture={**_TABLE, "luts": [1050], "bits": 31, "num_candidates": 16},
        settings={**_TABLE_SETTINGS, "batch_size": 256, "epochs": 30, "validate_every": 3},
        accuracy=0.9276,
        seconds=6.0,
        chosen="validation rows",
    ),
    Preset(
        name="unsw-nb15",
        task="unsw-nb15",
        description="attacks among network flows, 1,000 LUTs of rank 6",
        architecture={**_TABLE, "luts": [1000], "num_candidates": 32},
        settings={**_TABLE_SETTINGS, "epochs": 12, "bit_flip": 0.0},
        accuracy=0.9699,
        seconds=20.0,
        chosen="validation rows",
    ),
)
"""Rows of tables."""
