"""Small sweeps on the embedded digits, and scripts that run them in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SPACE = {
    "seeds": [0, 1],
    "space": {"epochs": [1, 2], "lr": [0.02, 0.08], "luts": [[60], [120]]},
    "fixed": {"preset": "digits-fast", "validate_every": 1, "num_candidates": 4},
}
"""Eight combinations of gradients, of tiny budgets."""
QUICK = {"seeds": [0, 1], "space": {"max_luts": [20, 40], "rank": [2, 4]}, "fixed": {"method": "additive"}}
"""Four combinations of additive learning."""

ENVIRONMENT = {
    **os.environ,
    "NUMBA_NUM_THREADS": "1",
    "RAY_worker_niceness": "0",  # Ray's own would wait for whatever else runs on the machine
    "RAY_memory_monitor_refresh_ms": "0",  # it ends processes where others have filled the memory
}


def process(script: str, *arguments: object) -> subprocess.Popen:
    """Begin a script of Python."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def reached(rows):
    """Return what runs reached, by their settings and seed."""
    return {(str(row.settings), row.seed): (row.state, row.validation, row.luts) for row in rows}
