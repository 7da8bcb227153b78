"""Circuits as WebAssembly modules, and the script that reads them."""

from lutsmith.export.programs.webassembly.program import to_webassembly, webassembly_script

__all__ = ["to_webassembly", "webassembly_script"]
