"""Ray for a block: the one that is running, or one of this machine that ends with the block."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def ray_cluster(cores: int | None) -> Iterator[None]:
    """Use the Ray that this process has joined, or that RAY_ADDRESS names; else begin one on this machine.

    Args:
        cores: how many cores the one of this machine has; None: those that there are. It listens on this machine alone,
            and has no dashboard.

    Raises:
        ModuleNotFoundError: Ray is not installed (`pip install 'lutsmith[distributed]'`).
    """
    import ray

    if ray.is_initialized():
        yield
        return
    own: dict[str, Any] = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False, "num_cpus": cores}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield
    finally:
        ray.shutdown()
