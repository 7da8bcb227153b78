"""Models of the LUTs of Xilinx devices, for files that have such instances."""

from __future__ import annotations

import re

from lutsmith.hardware.verification.case import Files


def with_primitives(files: Files) -> dict[str, bytes]:
    """Return Verilog with models of LUT1 to LUT6 where it has such instances."""
    from lutsmith.export import verilog_primitives

    if any(re.search(rb"\bLUT[1-6]\s*#", text) for text in files.values()):
        return {**files, "primitives.v": verilog_primitives().encode()}
    return dict(files)
