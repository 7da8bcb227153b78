"""Circuits as one JavaScript file, with its loop over LUTs in WebAssembly, too."""

from lutsmith.export.programs.javascript.program import to_javascript

__all__ = ["to_javascript"]
