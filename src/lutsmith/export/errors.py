"""What exports raise."""

from __future__ import annotations


class ExportError(ValueError):
    """Something that a format cannot hold, or a name that it does not allow; the message says what to do."""
