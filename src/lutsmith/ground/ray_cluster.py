"""Ray for a block: the one that is running, or one of this machine that ends with the block."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from lutsmith.ground.strict_json import brief

ATTEMPTS = 2
"""How often Ray is begun: a node that does not answer within 30 seconds gives up."""


@contextlib.contextmanager
def ray_cluster(cores: int | None) -> Iterator[None]:
    """Use the Ray that this process has joined, or that RAY_ADDRESS names; else begin one on this machine.

    Args:
        cores: how many cores the one of this machine has; None: those that there are. It listens on this machine alone,
            and has no dashboard.

    Raises:
        ModuleNotFoundError: Ray is not installed (`pip install 'lutsmith[distributed]'`).
        OSError: Ray does not begin, or is not where RAY_ADDRESS says.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    own: dict[str, Any] = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False, "num_cpus": cores}
    for attempt in range(ATTEMPTS):
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
            break
        except Exception as error:  # of no class of its own, as where a busy machine takes too long
            ray.shutdown()
            if attempt == ATTEMPTS - 1:
                raise OSError(f"Ray did not begin; try again when the machine is less busy ({brief(error)})") from error
    try:
        yield
    finally:
        ray.shutdown()
