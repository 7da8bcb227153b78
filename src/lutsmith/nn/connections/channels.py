"""Wirings of kernels: windows of a few channels each, in which channels and taps are used equally often."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.wiring import Rows
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.connections.balanced import balanced_rows, candidate_pools
from lutsmith.nn.connections.windows import Windows

PATTERNS = ("balanced", "sliding")
FEW = 2
"""Channels of a kernel unless said otherwise: more learn worse (LogicTreeNet, arXiv:2411.04732: 8 lose 1.4 points)."""


def channels(
    num_inputs: int,
    num_luts: int,
    rank: int,
    generator: torch.Generator | None,
    *,
    channels: int,
    usable: NDArray[np.bool_],
    channel_group_size: int | None = None,
    channel_groups: str = "balanced",
    groups: int = 1,
    luts_per_kernel: int = 1,
) -> Rows:
    """Each kernel reads windows of a few channels. A kernel's leaves are shared evenly among its channels. All kernels
    together use the channels, and the taps within them, as evenly as random choices among the least used allow.

    Args:
        num_inputs: of the window vector, `channels` times its taps: number c taps + t is tap t of channel c.
        num_luts: kernels times `luts_per_kernel`, kernel by kernel.
        rank: inputs of a LUT, all distinct. A kernel reads a tap twice only if it has more leaves than taps.
        generator: draws the channels, and chooses among taps used equally often.
        channels: of the image.
        usable: bool `(num_inputs,)`.
        channel_group_size: channels of a kernel; None: `FEW`, or as many as a LUT of its
            rank needs; -1: all of its group.
        channel_groups: `"balanced"`: channels are dealt out so that each is in equally many kernels, give or take one;
            `"sliding"`: kernel k has the neighbours from channel k mod (channels - size + 1) on (torchlogix).
        groups: channels and kernels are cut into this many runs, and a kernel reads the channels of its own run
            (torch's groups).
        luts_per_kernel: LUTs that read the window, of a tree.

    Raises:
        ValueError: impossible sizes, channels or kernels that `groups` does not divide, kernels with fewer usable
            inputs than `rank`.
    """
    windows = channel_windows(
        num_inputs,
        num_luts,
        rank,
        generator,
        channels=channels,
        usable=usable,
        channel_group_size=channel_group_size,
        channel_groups=channel_groups,
        groups=groups,
        luts_per_kernel=luts_per_kernel,
    )
    taps, leaves = num_inputs // channels, luts_per_kernel * rank
    rows = np.empty((len(windows.members), leaves), dtype=np.int64)
    # Each leaf reads what its LUT does not yet, its kernel reads least, is of the channel that its kernel reads least,
    # and all kernels read least, by input and then by tap. The first three are one number, and so are the last two.
    in_lut, in_kernel, in_all = (leaves + 1) ** 2, leaves + 1, rows.size + 1
    by_all = np.zeros(num_inputs, np.int64)
    for row, members in zip(rows, windows.members, strict=True):
        chance = torch.rand(len(members), generator=generator, dtype=torch.float64).numpy()
        by_kernel, ends = np.zeros(len(members), np.int64), np.searchsorted(members, np.arange(channels + 1) * taps)
        read = np.empty(leaves, np.int64)
        for leaf in range(leaves):
            if leaf and leaf % rank == 0:
                by_kernel[read[leaf - rank : leaf]] -= in_lut
            least = np.flatnonzero(by_kernel == by_kernel.min())
            used = by_all[members[least]]
            least = least[used == used.min()]
            best = read[leaf] = least[chance[least].argmin()]
            row[leaf] = number = members[best]
            by_kernel[best] += in_lut + in_kernel
            by_kernel[ends[number // taps] : ends[number // taps + 1]] += 1
            by_all[number] += in_all
            by_all[number % taps :: taps] += 1
    return rows.reshape(num_luts, rank)


def channel_windows(
    num_inputs: int,
    num_luts: int,
    rank: int,
    generator: torch.Generator | None,
    *,
    channels: int,
    usable: NDArray[np.bool_],
    channel_group_size: int | None = None,
    channel_groups: str = "balanced",
    groups: int = 1,
    luts_per_kernel: int = 1,
) -> Windows:
    """The usable inputs of each kernel, and the kernel of each LUT, from the arguments of `channels`; it raises the
    same errors.
    """
    whole_number("channels", channels, 1, num_inputs)
    one_of("channel_groups", channel_groups, PATTERNS)
    if num_inputs % channels or num_luts % luts_per_kernel:
        raise ValueError(
            f"{num_inputs} inputs of {channels} channels and {num_luts} LUTs, {luts_per_kernel} a kernel, do not divide"
        )
    taps, kernels = num_inputs // channels, num_luts // luts_per_kernel
    whole_number("groups", groups, 1, min(channels, kernels), f"groups of {channels} channels and {kernels} kernels")
    for name, count in (("channels", channels), ("kernels", kernels)):
        if count % groups:
            raise ValueError(f"{count} {name} do not divide into {groups} groups; take a number that divides them")
    alive = usable.reshape(channels, taps).max(axis=1)
    members = []
    for group in range(groups):
        own = np.arange(channels).reshape(groups, -1)[group]
        own = own[alive[own]]
        most = channels // groups
        wanted = {None: few(rank, taps, most), -1: most}.get(channel_group_size, channel_group_size)
        size = min(whole_number("channel_group_size", wanted, 1, most, "channels of a kernel"), len(own))
        sets = _sets(len(own), kernels // groups, size, channel_groups, generator)
        for places in sets[:1] if size == len(own) else sets:
            inputs = (own[places][:, None] * taps + np.arange(taps)).reshape(-1)
            members.append(np.sort(inputs[usable[inputs]]))
        members += members[-1:] * (len(sets) * (group + 1) - len(members))  # all kernels read all channels
    if (fewest := min(map(len, members))) < rank:
        raise ValueError(
            f"a kernel has {fewest} usable inputs, {taps} taps of its channels less constant ones, and a LUT of rank "
            f"{rank} reads as many different ones; take more channels a kernel, a larger window or a smaller rank"
        )
    return Windows(members, np.arange(num_luts) // luts_per_kernel)


def few(rank: int, taps: int, most: int) -> int:
    """Channels of a kernel unless said otherwise: `FEW`, or as many more as a LUT needs to read different inputs."""
    return min(most, max(FEW, -(-rank // taps)))


def _sets(count: int, kernels: int, size: int, pattern: str, generator: torch.Generator | None) -> Rows:
    """The channels of each kernel, `(kernels, size)`, of `count`."""
    if pattern == "sliding" and size:
        return np.arange(kernels)[:, None] % (count - size + 1) + np.arange(size)
    return balanced_rows(count, kernels, size, generator) if size else np.empty((kernels, 0), dtype=np.int64)


def channel_pools(windows: Windows, rank: int, num_candidates: int, generator: torch.Generator | None) -> Rows:
    """The candidates `(LUTs, rank, num_candidates)` of each slot, from the windows of its kernel.

    Raises:
        ValueError: a kernel with fewer usable inputs than candidates.
    """
    if (fewest := min(map(len, windows.members))) < num_candidates:
        raise ValueError(
            f"a kernel has {fewest} usable inputs, and a slot {num_candidates} candidates; take fewer candidates, more "
            "channels a kernel or a larger window"
        )
    luts = np.bincount(windows.owners, minlength=len(windows.members))
    pools = [
        members[candidate_pools(len(members), count, rank, num_candidates, generator)]
        for members, count in zip(windows.members, luts.tolist(), strict=True)
    ]
    return np.concatenate(pools)
