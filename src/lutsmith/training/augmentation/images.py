"""The names of `lutsmith.data.augmentation.images`, where they are defined: settings and pickles name them here."""

from lutsmith.data.augmentation.images import Affine, Augmentation, Crop, Cutout, Flip, Images, Shift

__all__ = ["Affine", "Augmentation", "Crop", "Cutout", "Flip", "Images", "Shift"]
