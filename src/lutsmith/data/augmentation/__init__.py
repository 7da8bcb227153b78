"""Random changes to images that are trained on; never torch.

changes = ImageAugmentation.from_json({"shift": 1, "rotate": 8, "zoom": 0.08, "elastic": 1.2})
images = changes(images, np.random.default_rng([seed, epoch, batch]))
"""

from lutsmith.data.augmentation.images import Affine, Augmentation, ColourJitter, Crop, Cutout, Flip, Shift
from lutsmith.data.augmentation.recipe import ImageAugmentation

__all__ = ["Affine", "Augmentation", "ColourJitter", "Crop", "Cutout", "Flip", "ImageAugmentation", "Shift"]
