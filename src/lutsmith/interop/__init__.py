"""Models of other libraries as lutsmith's: checkpoints in, trainable models and circuits out.

Every convention of another library (bit order, gate numbers, signs, thresholds) is converted here and nowhere else.
"""

from __future__ import annotations

from lutsmith.interop.deeplut import from_deeplut
from lutsmith.interop.difflogic import from_difflogic
from lutsmith.interop.difflut import from_difflut
from lutsmith.interop.state_dicts import ForeignModelError
from lutsmith.interop.torch_dwn import from_torch_dwn
from lutsmith.interop.torchlogix import from_torchlogix

__all__ = ["ForeignModelError", "from_deeplut", "from_difflogic", "from_difflut", "from_torch_dwn", "from_torchlogix"]
