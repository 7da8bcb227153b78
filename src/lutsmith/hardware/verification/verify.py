"""`verify`: whether every export of a circuit is the circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith import logic
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.export import ExportError, Options
from lutsmith.ground.arguments import one_of
from lutsmith.hardware.tools.toolchain import HARDWARE_EXTRA
from lutsmith.hardware.verification.case import Case
from lutsmith.hardware.verification.checks import CHECKS, check_files
from lutsmith.hardware.verification.design.elaboration import check_design
from lutsmith.hardware.verification.emission import emitted
from lutsmith.hardware.verification.report import LAYERS, Check, Layer, Loss, Verification
from lutsmith.hardware.verification.rows import edge_rows, sample_rows
from lutsmith.logic.words import Words

FORMATS = tuple(CHECKS)
"""The formats that can be verified."""

TIMEOUT = 120.0
"""Seconds for each step, by default."""


def verify(
    circuit: Circuit,
    formats: Sequence[str] = FORMATS,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    layers: Sequence[Layer] = LAYERS,
    words: Words | int | None = None,
    pipeline: int | None = None,
    primitives: Literal["portable", "xilinx"] = "portable",
    artifacts: Mapping[str, Mapping[str, bytes]] | None = None,
    name: str | None = None,
    run: bool = False,
    timeout: float = TIMEOUT,
    report: Callable[[Check], object] | None = None,
) -> Verification:
    """Check that exports of a circuit are equal to the circuit, layer by layer.

    First the design, from which all formats of logic are written, is proved equal to the circuit, part by part.
    Then each format: *read-back* parses the file and compares it as it is written; *formal* proves what other tools
    read from it (ABC, Yosys, ghdl) equal to the design; *simulation* runs it on rows of data and on edge rows, and
    compares every score and every result with the circuit's own.

    Files that you pass in are always read back, names and comments included. They are simulated only if the read-back
    succeeds, without a network and with limits on time and memory; C, JavaScript and WebAssembly run only if `run`
    allows it.

    Args:
        circuit: any circuit.
        formats: some of `FORMATS`.
        X: samples to simulate, (N, *input_shape) or (N, F); random rows by default. Edge rows are always added.
        y: the index of the class of each sample, if the accuracy on quantised features is wanted.
        layers: some of `report.LAYERS`.
        words: the form of the features in hardware, as for `logic.elaborate`. If they are given, C takes them too.
        pipeline: registers after every so many levels, as for `logic.pipelined`; None for none.
        primitives: "portable" or "xilinx", for Verilog and VHDL.
        artifacts: files to check instead of those that the exports write, by format and file name.
        name: of the top module or model in `artifacts`; by default the one that the files have.
        run: whether programs of `artifacts` (C, JavaScript, WebAssembly) may be compiled and run.
        timeout: seconds for each step: a proof, a compilation, a run. A step that takes longer is reported as open.
        report: called with each row as soon as it is known.

    Returns:
        A row for each format, layer and part. Where a tool is missing, the row is "not run" and says how to install the
        tool. `ok` is true only if every format was shown to be the circuit.

    Raises:
        TypeError, ValueError: formats or layers that are not known, artifacts without files or of formats that are not
            asked for, words or data that do not fit the circuit.
    """
    _check_names("formats", formats, FORMATS)
    _check_names("layers", layers, LAYERS)
    artifacts = artifacts or {}
    _check_names("artifacts", tuple(artifacts), formats)
    for format_, files in artifacts.items():
        if not files:
            raise ValueError(f"artifacts has no files for {format_}: give their names and what they hold")
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}, expected seconds above 0")
    design = logic.elaborate(circuit, words=words)
    if pipeline is not None:
        design = logic.pipelined(design, pipeline, "pipeline")
    rows = sample_rows(circuit, X)
    loss = None if X is None else _loss(circuit, design.words, rows, y)
    every = np.concatenate([rows, edge_rows(circuit, design.words, rows)])
    case = Case(
        circuit,
        design,
        every,
        timeout,
        Options(words=design.words, pipeline=pipeline, primitives=primitives),
        Options(words=None if words is None else design.words),
        run=run,
    )
    checks = []
    for row in _rows(case, formats, layers, artifacts, name):
        checks.append(row)
        if report is not None:
            report(row)
    return Verification(tuple(checks), loss, tuple(dict.fromkeys(formats)), tuple(artifacts))


def verify_files(circuit: Circuit, format: str, files: Mapping[str, bytes], **options: object) -> Verification:  # noqa: A002
    """Check files of your own: whether this Verilog, BLIF or C header, for example, is equal to the circuit.

    Args:
        circuit: the model.
        format: one of `FORMATS`.
        files: by their names, at least one. All of them are checked.
        options: further arguments of `verify`, which must be those that the files were written with.

    Raises:
        TypeError, ValueError: as for `verify`.
    """
    return verify(circuit, (format,), artifacts={format: files}, **options)  # type: ignore[arg-type]


def _rows(
    case: Case,
    formats: Sequence[str],
    layers: Sequence[Layer],
    artifacts: Mapping[str, Mapping[str, bytes]],
    name: str | None,
) -> Iterator[Check]:
    if "formal" in layers:
        yield from check_design(case.circuit, case.design, case.timeout)
    for format_ in formats:
        if format_ in artifacts:
            yield from check_files(format_, artifacts[format_], layers, replace(case, foreign=True), name)
            continue
        try:
            files = emitted(format_, case.circuit, case.hardware, case.software)
        except ExportError as refused:
            yield Check(format_, layers[0] if layers else "read-back", "all", "not run", str(refused))
        except ModuleNotFoundError as missing:
            reason = f"{missing.name} is needed and not there. Install it: {HARDWARE_EXTRA}"
            yield Check(format_, layers[0] if layers else "read-back", "all", "not run", reason)
        else:
            yield from check_files(format_, files, layers, case)


def _loss(circuit: Circuit, words: Words | None, rows: NDArray[np.float32], y: ArrayLike | None) -> Loss | None:
    """Return what quantising the features changes; None where they are float32, or there is no head."""
    head = circuit.head
    if words is None or words.grid is None or not isinstance(head, Head) or not len(rows):
        return None
    exact, quantised = (
        head.decide(head.scores(circuit.evaluate(side)), circuit.objective)
        for side in (rows, words.values(words.quantise(rows)))
    )
    changed = float((exact != quantised).reshape(len(rows), -1).any(axis=1).mean())
    if y is None:
        return Loss(words.bits, len(rows), changed)
    labels = np.asarray(y)
    if labels.shape != exact.shape:
        raise ValueError(f"y has shape {labels.shape}, expected {exact.shape}")
    return Loss(words.bits, len(rows), changed, float((exact == labels).mean()), float((quantised == labels).mean()))


def _check_names(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    if isinstance(given, str):
        raise TypeError(f"{what} is {given!r}; expected a sequence such as [{given!r}]")
    for name in given:
        one_of(f"one of {what}", name, known)
