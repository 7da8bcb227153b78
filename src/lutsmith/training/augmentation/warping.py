"""The names of `lutsmith.data.augmentation.warping`, where they are defined."""

from lutsmith.data.augmentation.warping import Floats, warp

__all__ = ["Floats", "warp"]
