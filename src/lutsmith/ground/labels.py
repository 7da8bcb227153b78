"""Labels: the names of classes, as they stand in the data."""

from __future__ import annotations

Label = str | int | float
"""The name of a class, as it stands in the data."""
