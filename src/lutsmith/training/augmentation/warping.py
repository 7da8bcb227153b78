"""The names of `lutsmith.data.augmentation.warping`, which is where they live."""

from lutsmith.data.augmentation.warping import Floats, warp

__all__ = ["Floats", "warp"]
