"""Our rows of additive learning: settings are fields of `additive.AdditiveSettings`."""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

_SHIFTED: dict[str, Any] = {"augmentation": {"shift": 1}, "copies": 4, "redraws": 10}
_WIDE: dict[str, Any] = {"candidates": 1024, "window": 8, "row_share": 0.07, "validation": 0.05}
_MIRRORED: dict[str, Any] = {"augmentation": {"flip": 0.5, "shift": 1}, "copies": 4}


def _mnist(name: str, luts: int, what: str, settings: dict[str, Any], reached: tuple[float, float] | None) -> Preset:
    return Preset(
        name=f"additive-mnist-{name}",
        task="mnist",
        description=f"MNIST with at most {luts:,} {what}, grown one after the other",
        method="additive",
        settings={"max_luts": luts, **settings},
        accuracy=None if reached is None else reached[0],
        seconds=None if reached is None else reached[1],
        chosen="validation rows",
    )


ADDITIVE = (
    Preset(
        name="additive-digits",
        task="digits",
        description="embedded 8 x 8 digits, 1,000 LUTs grown in a second",
        method="additive",
        settings={"max_luts": 1000},
    ),
    _mnist("fast", 2000, "LUT6 in seconds, without changed copies", {"candidates": 256, "exchanges": 3}, (0.9829, 5)),
    _mnist(
        "quick",
        2000,
        "LUT6 in half a minute",
        {**_WIDE, **_SHIFTED, "candidates": 512, "copies": 2, "tau": 6.0},
        (0.9875, 21),
    ),
    _mnist("1k", 1000, "LUT6", {**_WIDE, **_SHIFTED, "sweeps": 1}, (0.9848, 36)),
    _mnist("2k", 2000, "LUT6", {**_WIDE, **_SHIFTED, "tau": 6.0}, (0.9871, 44)),
    _mnist("4k", 4000, "LUT6", {**_WIDE, **_SHIFTED, "tau": 10.0}, (0.9901, 153)),
    _mnist("8k", 8000, "LUT6", {**_WIDE, **_SHIFTED, "tau": 16.0}, None),
    _mnist(
        "gates-8k",
        8000,
        "two-input gates",
        {**_WIDE, **_SHIFTED, "rank": 2, "exchanges": 2, "tau": 8.0, "copies": 1},
        (0.9823, 76),
    ),
    *(
        Preset(
            name=f"additive-fashion-{thousands}k",
            task="fashion-mnist",
            description=f"Fashion-MNIST with at most {thousands},000 LUT6, grown one after the other",
            method="additive",
            settings={**_WIDE, **_MIRRORED, "max_luts": 1000 * thousands, "bits": 7, "tau": tau, "copies": copies},
            accuracy=accuracy,
            seconds=seconds,
            chosen="validation rows",
        )
        for thousands, tau, copies, accuracy, seconds in ((4, 10.0, 4, 0.9015, 73), (16, 20.0, 2, 0.9102, 260))
    ),
    Preset(
        name="additive-table",
        task=None,
        description="tables of numbers and categories, at most 1,000 LUTs grown one after the other",
        method="additive",
        settings={"max_luts": 1000},
        chosen="validation rows",
    ),
)
"""Rows of additive learning, images and tables."""
