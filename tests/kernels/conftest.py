"""What tests of kernels share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments
from lutsmith.kernels.training.fold import cpu


@pytest.fixture
def always_split(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work for two threads, however small it is, and where Numba has only one: that one does both parts."""
    threads._launch()  # Numba starts as many threads as it was told to
    monkeypatch.setattr(arguments, "SMALL", 0)
    monkeypatch.setattr(cpu, "ROOM", 0)
    monkeypatch.setattr(threads.config, "NUMBA_NUM_THREADS", max(2, threads.config.NUMBA_NUM_THREADS))
    yield
    threads.set_num_threads(None)
