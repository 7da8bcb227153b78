"""torchlogix, with which formulas and imported checkpoints are compared."""

from __future__ import annotations

import sys
import types

from tests.tools import module


def torchlogix_module(name: str) -> types.ModuleType:
    """Return `torchlogix.<name>`, or skip. Its `circuit` module, not used here, cannot be read before Python 3.12."""
    if sys.version_info < (3, 12) and "torchlogix.circuit" not in sys.modules:
        stand_in = types.ModuleType("torchlogix.circuit")
        stand_in.Circuit = None  # type: ignore[attr-defined]
        sys.modules["torchlogix.circuit"] = stand_in
    return module(f"torchlogix.{name}")
