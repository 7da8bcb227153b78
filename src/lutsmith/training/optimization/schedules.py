"""Learning-rate schedules as pure functions of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from bisect import bisect_right

from lutsmith.training.settings import Settings


def rate_factor(settings: Settings, step: int, steps_per_epoch: int, share: float = 0.0) -> float:
    """Return the factor of the learning rates in a step, in [0, 1].

    Args:
        settings: `schedule`, `epochs`, `warmup`, `milestones`, `gamma` and `final_lr` are read.
        step: steps done before this one, counted over all epochs.
        steps_per_epoch: steps in each epoch.
        share: the least share of the run that is over, for example because of a time limit; the cosine advances at
            least this far.

    The cosine goes from 1 at the end of the warm-up to `final_lr` after the last step (Loshchilov and Hutter, 2017,
    without restarts). The warm-up is linear and its first step is not zero.
    """
    warmup = settings.warmup * steps_per_epoch
    if step < warmup:
        return min(1.0, (step + 1) / (warmup + 1))
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "step":
        return float(settings.gamma ** bisect_right(settings.milestones, step // steps_per_epoch))
    progress = max(share, (step - warmup) / (settings.epochs * steps_per_epoch - warmup))
    return settings.final_lr + (1.0 - settings.final_lr) * 0.5 * (1.0 + math.cos(math.pi * progress))
