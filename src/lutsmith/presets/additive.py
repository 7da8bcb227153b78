"""Our rows of additive learning: settings are fields of `additive.AdditiveSettings`."""

from __future__ import annotations

from typing import Any

from lutsmith.presets.row import Preset

_MNIST: dict[str, Any] = {"bits": 3, "sweeps": 1, "validation": 0.05}
_FASHION: dict[str, Any] = {"bits": 7, "tau": 12.0, "validation": 0.05}

ADDITIVE = (
    Preset(
        name="additive-digits",
        task="digits",
        description="embedded 8 x 8 digits, 1,000 LUTs grown in a second",
        method="additive",
        settings={"max_luts": 1000, "bits": 3},
    ),
    *(
        Preset(
            name=f"additive-mnist-{thousands}k",
            task="mnist",
            description=f"MNIST with at most {thousands},000 LUTs of rank 6, grown one after the other",
            method="additive",
            settings={**_MNIST, "max_luts": 1000 * thousands, "tau": tau},
        )
        for thousands, tau in ((1, 5.0), (2, 6.0), (4, 8.0), (8, 10.0))
    ),
    *(
        Preset(
            name=f"additive-fashion-{thousands}k",
            task="fashion-mnist",
            description=f"Fashion-MNIST with at most {thousands},000 LUTs of rank 6, grown one after the other",
            method="additive",
            settings={**_FASHION, "max_luts": 1000 * thousands},
        )
        for thousands in (4, 16)
    ),
    Preset(
        name="additive-table",
        task=None,
        description="tables of numbers and categories, at most 1,000 LUTs grown one after the other",
        method="additive",
        settings={"max_luts": 1000},
    ),
)
"""Rows of additive learning, images and tables."""
