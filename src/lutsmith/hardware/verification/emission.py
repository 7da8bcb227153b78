"""The files of each format that a verification looks at, as the exports write them."""

from __future__ import annotations

from lutsmith.circuit.circuit import Circuit
from lutsmith.export import FORMATS as EXPORTS
from lutsmith.export import Options
from lutsmith.formats import NamedNetlist, from_aiger, from_blif
from lutsmith.hardware.verification.report import LOGIC


def emitted(format_: str, circuit: Circuit, hardware: Options, software: Options) -> dict[str, bytes]:
    """Return the files of a circuit in a format.

    Args:
        format_: a name of `export.FORMATS`.
        circuit: any circuit.
        hardware: options of formats of logic.
        software: options of programs.

    Raises:
        ExportError: the format cannot hold the circuit.
    """
    known = EXPORTS[format_]
    chosen = hardware if format_ in LOGIC else software
    names = {name: value for name, value in chosen.changed().items() if name in known.takes}
    return known.files(circuit, Options(name=chosen.name, **names))


def read(format_: str, data: bytes) -> NamedNetlist:
    """Return what a file of logic holds.

    Raises:
        FormatError: it is none.
    """
    return from_blif(data.decode("utf-8"), strict=True) if format_ == "blif" else from_aiger(data, strict=True)
