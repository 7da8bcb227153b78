"""Random changes to what is trained on: to batches of images, and to the bits that the encoder makes of them."""

from lutsmith.training.augmentation.images import Affine, Crop, Cutout, Flip, Shift

__all__ = ["Affine", "Crop", "Cutout", "Flip", "Shift"]
