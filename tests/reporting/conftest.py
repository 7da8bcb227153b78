"""Speeds are measured once, not for a while."""

from __future__ import annotations

import pytest

from lutsmith.reporting import comparison, speed
from lutsmith.reporting.sections import speed as section


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "FEWEST", 1)
    monkeypatch.setattr(section, "SECONDS", 0.0)
    monkeypatch.setattr(section, "BATCHES", (1, 100))
    monkeypatch.setattr(comparison, "SECONDS", 0.0)
    monkeypatch.setattr(comparison, "BATCH", 100)
