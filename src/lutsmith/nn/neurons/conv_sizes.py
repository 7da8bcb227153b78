"""What convolutions of neurons have in common: channels, groups, and where their windows lie."""

from __future__ import annotations

from typing import Any, NamedTuple

from lutsmith.circuit.sliding import Sliding, check_groups, sizes
from lutsmith.ground.arguments import whole_number


class ConvSizes(NamedTuple):
    """A convolution's sizes.

    Attributes:
        channels: of the input.
        outputs: channels of the output.
        groups: runs that both are cut into.
        sliding: its windows.
    """

    channels: int
    outputs: int
    groups: int
    sliding: Sliding

    @property
    def own(self) -> int:
        """Channels that an output reads."""
        return self.channels // self.groups


def conv_sizes(
    axes: int, in_channels: int, out_channels: int, window: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> ConvSizes:
    """Return a convolution's sizes, by the names of torch's arguments, each one number for all axes or one for each.

    Raises:
        TypeError: a size that is not an integer.
        ValueError: one that cannot be; channels that do not divide into the groups.
    """
    channels, outputs = whole_number("in_channels", in_channels, 1), whole_number("out_channels", out_channels, 1)
    check_groups(groups, in_channels=channels, out_channels=outputs)
    sliding = Sliding(
        sizes("kernel_size", window, axes, 1),
        sizes("stride", stride, axes, 1),
        sizes("padding", padding, axes, 0),
        sizes("dilation", dilation, axes, 1),
    )
    return ConvSizes(channels, outputs, int(groups), sliding)
