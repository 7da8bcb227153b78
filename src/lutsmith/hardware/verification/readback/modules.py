"""WebAssembly modules read back: byte by byte, against what the export writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lutsmith.export.programs.webassembly import to_webassembly, webassembly_script
from lutsmith.export.programs.webassembly.binary import HEADER
from lutsmith.export.programs.webassembly.program import SECTION, STYLES
from lutsmith.ground.strict_json import strict_loads
from lutsmith.hardware.verification.case import Case, Files, row
from lutsmith.hardware.verification.report import Check
from lutsmith.hardware.verification.sources.comments import shown

SUFFIX = "_wasm.js"
"""Of the script beside a module."""


def module_of(files: Files) -> Files:
    """Return the module among files, alone.

    Raises:
        ValueError: there is none, or there are several.
    """
    modules = {name: data for name, data in files.items() if not name.endswith(SUFFIX)}
    if len(modules) != 1:
        raise ValueError(f"expected one module, got {', '.join(files) or 'none'}")
    return modules


def webassembly_bytes(files: Files, case: Case) -> Iterator[Check]:
    """Names and sizes that a module tells, and whether it and the script, where that is there, are the export's."""
    (data,) = module_of(files).values()
    for name, script in files.items():
        if name.endswith(SUFFIX) and script != webassembly_script().encode():
            yield row("script", "not decided", f"{name} is not the export's script, which is what is run here")
    if any(data == to_webassembly(case.circuit, style=style) for style in STYLES):
        text = (
            f"byte for byte what the export writes, {len(data):,} of them; what they compute, only a simulation shows"
        )
        yield row("module", "proved", text)
        return
    try:
        told, wanted = _told(data), _told(to_webassembly(case.circuit))
    except ValueError as error:
        yield row("module", "failed", f"not a module that the script reads: {error}")
        return
    for key, value in wanted.items():
        if key not in ("at", "heads") and told.get(key) != value:
            found, meant = (shown(json.dumps(each)) for each in (told.get(key), value))
            yield row("names", "failed", f"the module gives {key} as {found}, expected {meant}")
    yield row("module", "not decided", "not what the export writes: of its code, only what is run is known")


def _told(data: bytes) -> dict[str, Any]:
    """Return what a module tells of itself.

    Raises:
        ValueError: it is not a module, or tells nothing.
    """
    if not data.startswith(HEADER):
        raise ValueError("it does not begin as WebAssembly does")
    at = len(HEADER)
    while at < len(data):
        number = data[at]
        size, start = _number(data, at + 1)
        at = start + size
        if number == 0:
            length, name = _number(data, start)
            if data[name : name + length] == SECTION.encode():
                told = strict_loads(data[name + length : at].decode())
                if not isinstance(told, dict):
                    raise ValueError("its section lutsmith is not an object")
                return told
    raise ValueError("it has no section lutsmith")


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in unsigned LEB128 of at most 32 bits, and where it ends."""
    value = 0
    for place in range(5):
        byte = data[at + place : at + place + 1]
        if not byte:
            break
        value |= (byte[0] & 127) << 7 * place
        if byte[0] < 128:
            return value, at + place + 1
    raise ValueError(f"it is cut off, or damaged, at byte {at:,}")
