"""Presets: named networks with the accuracy they are known to reach, as rows of data."""

from lutsmith.presets.row import Preset
from lutsmith.presets.table import default, get, list_presets

__all__ = ["Preset", "default", "get", "list_presets"]
