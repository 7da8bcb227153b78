"""The error that exports raise."""

from __future__ import annotations


class ExportError(ValueError):
    """A circuit, option or value that a format cannot hold, or a name that it does not allow; the message says what to
    do.
    """
