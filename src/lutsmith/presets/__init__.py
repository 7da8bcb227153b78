"""Presets: named networks with the accuracy that they reached, as rows of data."""

from lutsmith.presets.row import Preset
from lutsmith.presets.table import DEFAULT_METHODS, default, default_of_shape, get, list_presets

__all__ = ["DEFAULT_METHODS", "Preset", "default", "default_of_shape", "get", "list_presets"]
