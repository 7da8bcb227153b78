"""Hardware descriptions read back: whether the text is plain, its names are the design's, and lint finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lutsmith.export.hdl.names import in_verilog, in_vhdl
from lutsmith.export.hdl.notes import index_name
from lutsmith.hardware.simulation.lint import lint
from lutsmith.hardware.tools.tool import ToolMissing
from lutsmith.hardware.verification.case import Case, Files, row
from lutsmith.hardware.verification.readers.boxes import Mismatch
from lutsmith.hardware.verification.readers.modules import ReadModules, module_names, read_verilog
from lutsmith.hardware.verification.readers.primitives import with_primitives
from lutsmith.hardware.verification.report import Check
from lutsmith.hardware.verification.sources import (
    Source,
    compare_comments,
    read_aiger_comment,
    read_blif,
    read_verilog_source,
    read_vhdl_source,
    vhdl_entities,
)
from lutsmith.logic.heads import heads_of_circuit

READERS: dict[str, Callable[[bytes, Mapping[str, object] | None], Source]] = {
    "verilog": read_verilog_source,
    "vhdl": read_vhdl_source,
    "blif": lambda data, _: read_blif(data),
    "aiger": lambda data, _: read_aiger_comment(data),
    "aiger-ascii": lambda data, _: read_aiger_comment(data),
}
"""What reads the text of each format of logic."""


def source_of(format_: str, files: Files, case: Case) -> Source:
    """Return the text of files of a format of logic, plain enough that all tools read the same in it.

    Raises:
        Refused: it is not.
    """

    def make() -> Source:
        orders = {comment.text: comment for comment in _written(format_, case).comments} if case.foreign else None
        return sum((READERS[format_](data, orders) for data in files.values()), Source())

    return case.once(f"source of {format_}", make)


def located(format_: str, files: Files, case: Case, name: str | None) -> Case:
    """Return the case for files whose top module, entity or model has the name that they give it.

    Args:
        format_: of the files.
        files: that were handed in.
        case: what they should be.
        name: that of the top, where the files do not say it.

    Raises:
        Refused: the text is not plain.
        Mismatch: no module, or several, could be the top.
    """
    if format_ not in ("verilog", "vhdl"):
        name = name or next(iter(source_of(format_, files, case).units), None) if format_ in READERS else None
        return case if name is None else case.named(name)
    fold: Callable[[str], str] = str.lower if format_ == "vhdl" else str  # names of VHDL are the same in any case
    units = _units(format_, files)
    places = {fold(unit): unit for unit in units}

    design = (in_vhdl if format_ == "vhdl" else in_verilog)(case.design)

    def with_parts(unit: str) -> list[str]:
        return [fold(each) for each in (unit, *module_names(design, unit))]

    tops = [unit for unit in units if places.keys() >= {*with_parts(unit)}]
    name = name or (tops[0] if len(tops) == 1 else None)
    if name is None:
        parts = ", ".join(module_names(design, "NAME"))
        kind = "entities" if format_ == "vhdl" else "modules"
        raise Mismatch(f"{len(tops)} {kind} NAME have {parts} beside them; {kind}: {', '.join(units) or 'none'}")
    name = places.get(fold(name), name)
    wanted, folded = with_parts(name), [fold(unit) for unit in units]
    for unit in units:
        twice = folded.count(fold(unit)) > 1
        if twice or fold(unit) not in wanted:
            expected = ", ".join(sorted(wanted))
            raise Mismatch(f"the file defines {unit}{' twice' if twice else ''}, expected {expected}")
    return case.named(name)


def _units(format_: str, files: Files) -> list[str]:
    """Return what files define. Which comments are the export's, and not orders to tools, is known with the name."""
    return [unit for data in files.values() for unit in READERS[format_](data, None).units]


def verilog_text(files: Files, case: Case) -> Iterator[Check]:
    """The text, its names, and what Yosys' and Verilator's checks find in it."""
    source = source_of("verilog", files, case)
    yield row("source", "proved", f"the core of Verilog 2001 alone, {len(source.units)} modules")
    if case.foreign:
        yield names_row("verilog", files, case)
    read_modules(files, case)
    try:
        lint(with_primitives(files), case.design, case.timeout, confined=case.foreign)
        how = "Yosys and Verilator"
    except ToolMissing:
        how = "Yosys; Verilator is not there"
    ports = "the ports of every module are the design's, each signal has one driver"
    yield row("structure", "proved", f"{ports}: nothing to complain of for {how}")


def vhdl_text(files: Files, case: Case) -> Iterator[Check]:
    """The text and its names; the formal layer checks what ghdl reads in it."""
    source = source_of("vhdl", files, case)
    yield row("source", "proved", f"the core of VHDL-93 alone, {len(source.units)} entities")
    if case.foreign:
        _check_entities(files, case)
        yield row("structure", "proved", "the ports of every entity are the export's, in its order")
        yield names_row("vhdl", files, case)


def _check_entities(files: Files, case: Case) -> None:
    """Raise Mismatch unless the entities are those of the export: ports, directions, ranges, and their order."""
    found = {name: entity for data in files.values() for name, entity in vhdl_entities(data).items()}
    for name, entity in vhdl_entities(case.written("vhdl")).items():
        if name not in found:
            raise Mismatch(f"there is no entity {name}")
        have, want = ([*map(str, side.ports)] for side in (found[name], entity))
        if have != want:
            place = next((at for at, pair in enumerate(zip(have, want, strict=False)) if pair[0] != pair[1]), None)
            place = min(len(have), len(want)) if place is None else place
            seen, meant = (side[place] if place < len(side) else "missing" for side in (have, want))
            raise Mismatch(f"port {place + 1} of entity {name} is {seen}, expected {meant}")


def names_row(format_: str, files: Files, case: Case) -> Check:
    """Return whether comments and constants say the same about features, classes and words as the export."""
    source, written = source_of(format_, files, case), _written(format_, case)
    for constant in source.constants:
        if constant not in written.constants:
            known = ", ".join(f"{name} = {value}" for name, value in written.constants) or "none"
            return row("names", "failed", f"the constant {' = '.join(constant)} is in the file, expected of {known}")
    heads = heads_of_circuit(case.circuit)
    prefixes = tuple(f"{each.prefix}{index_name(each.objective)}_".lower() for each in heads) or ("class_",)
    for declared in source.declared:
        if declared.lower().startswith(prefixes) and declared not in written.declared:
            return row("names", "failed", f"{declared} looks like the number of a class, and is something else")
    spoken = [*(str(name) for each in heads for name in each.classes or ()), *(case.circuit.schema.names or ())]
    comments = compare_comments(source.comments, written.comments, spoken)
    if comments.problem is not None:
        return row("names", "failed", comments.problem)
    said = sum(bool(comment.text) for comment in written.comments)
    return row("names", "proved", f"{comments.kept:,} of {said:,} comments of the export{comments.added}")


def read_modules(files: Files, case: Case) -> ReadModules:
    """Return what Yosys reads from Verilog; it is read only once."""
    return case.once("modules", lambda: _read(files, case))


def _read(files: Files, case: Case) -> ReadModules:
    return read_verilog(with_primitives(files), in_verilog(case.design), case.timeout, confined=case.foreign)


def _written(format_: str, case: Case) -> Source:
    return case.once(f"written {format_}", lambda: READERS[format_](case.written(format_), None))
