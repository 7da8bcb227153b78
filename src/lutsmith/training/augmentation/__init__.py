"""Random changes to the training data: to batches of images (`lutsmith.data.augmentation`), and to encoded bits."""

from lutsmith.data.augmentation.images import Affine, Crop, Cutout, Flip, Shift

__all__ = ["Affine", "Crop", "Cutout", "Flip", "Shift"]
