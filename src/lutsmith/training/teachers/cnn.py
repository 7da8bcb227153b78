"""A small convolutional network of floats: a teacher, never a circuit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128)
"""Channels of each stage; behind each the image is halved."""
_FEWEST = 4
"""Pixels along an axis below which an image is not halved."""


class SmallCNN(nn.Module):
    """Stages of a 3 x 3 convolution, normalization, ReLU and pooling; then the largest value of each channel, and a
    linear layer.

    It reads raw images, `(B, H, W)` or `(B, C, H, W)` of any numeric dtype, and standardises each channel.

    Args:
        shape: of an image.
        num_classes: logits.
        mean, deviation: of each channel over the training rows, `(C,)`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: tuple[int, ...], num_classes: int, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        channels, *image = shape if len(shape) == 3 else (1, *shape)
        self.register_buffer("mean", mean.float().view(-1, 1, 1))
        self.register_buffer("deviation", deviation.float().view(-1, 1, 1))
        layers: list[nn.Module] = []
        for width in WIDTHS:
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            if min(image) >= _FEWEST:
                layers.append(nn.MaxPool2d(2))
                image = [size // 2 for size in image]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 3:
            x = x.unsqueeze(1)
        x = (x.to(self.head.weight.dtype) - self.mean) / self.deviation
        y: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))  # half the time of channels first
        logits: Tensor = self.head(y.amax((2, 3)))
        return logits


def small_cnn(x: Tensor, num_classes: int, seed: int) -> SmallCNN:
    """Return an untrained network for images like `x`, the same for the same seed.

    Raises:
        ValueError: they are not images.
    """
    if x.ndim not in (3, 4) or min(x.shape[-2:]) < 2:
        raise ValueError(
            f"teacher='cnn' reads images, (rows, height, width) or (rows, channels, height, width), and the samples "
            f"have shape {tuple(x.shape[1:])}: give a model file or the folder of a run as the teacher"
        )
    channels = 1 if x.ndim == 3 else x.shape[1]
    planes = x.reshape(len(x), channels, -1)
    sums = [planes[:, channel].double() for channel in range(channels)]
    mean = torch.stack([values.mean() for values in sums])
    deviation = torch.stack([values.std() for values in sums]).nan_to_num().clamp(min=1e-6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SmallCNN(tuple(x.shape[1:]), num_classes, mean, deviation)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
