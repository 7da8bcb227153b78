"""`to_page`: one HTML file that runs a circuit, as WebAssembly inside of it, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, Heads
from lutsmith.export.errors import ExportError
from lutsmith.export.page.controls import controls
from lutsmith.export.programs.webassembly import to_webassembly, webassembly_script
from lutsmith.ground.arguments import number

UNROLLED = 1 << 18
"""Bytes of a module up to which its LUTs are straight-line code; larger ones go through tables."""

USUAL = 1_000_000
"""Bytes that a page should stay below."""

LARGEST = 32 << 20
"""Bytes of the largest page: browsers make a module of this at once."""

_TITLES = {"alu": "A calculator that was learned", "image": "A live circuit", "table": "A live circuit"}
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def to_page(circuit: Circuit, *, title: str | None = None, temperature: float | None = None) -> str:
    """Return a page that runs a circuit: draw an image, move the sliders of a table, or calculate with an ALU, and see
    bits, LUTs, votes and the answer, all of them computed by `to_webassembly`'s module in the page.

    The page is one file of HTML that works from `file://`, by mouse, touch and keyboard. It loads nothing, and its
    content security policy forbids loading anything. Names of features and classes are only data to it, whatever they
    hold.

    Scripts find the circuit as `lutsmithDemo`: `state()` returns the input and everything that the circuit computes
    from it.

    Args:
        circuit: without registers, for grey or colour images, a table, or an ALU.
        title: of the page; by default it comes from the circuit's record of its training.
        temperature: how many votes are worth a factor e of probability; `data.calibration.fit_temperature` finds it
            from rows. With it a classifier's page shows the probability of its answer, which is a softmax.

    Raises:
        TypeError, ValueError: a temperature that is not a number above 0, or for a circuit that is not a classifier.
        ExportError: samples for which a page has no controls, a circuit with a state, or a page of more than 32 MiB.
    """
    if temperature is not None:
        temperature = number("temperature", temperature, lambda value: 0 < value < np.inf, "a number above 0")
        if not circuit.is_classifier:
            raise ValueError("a temperature makes probabilities of classes, and this circuit is not a classifier")
    asked = controls(circuit)
    module = to_webassembly(circuit)
    if len(module) > UNROLLED:
        module = to_webassembly(circuit, style="compact")
    model = json.dumps(_told(circuit, asked, module, title, temperature), separators=(",", ":"), allow_nan=False)
    for sign, escape in _ESCAPES.items():
        model = model.replace(sign, escape)
    style, script = (
        _text("page.css"),
        webassembly_script() + "".join(map(_text, ("pictures.js", "inputs.js", "page.js"))),
    )
    policy = (
        f"default-src 'none'; script-src {_hash(script)} 'wasm-unsafe-eval'; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _text("template.html")
    for key, value in {"POLICY": policy, "STYLE": style, "SCRIPT": script, "MODEL": model}.items():
        before, after = page.split(f"@{key}")
        page = before + value + after
    if len(page) > LARGEST:
        raise ExportError(
            f"the page would have {len(page):,} bytes, and at most {LARGEST:,} are made: make the circuit smaller, "
            'such as by simplify, or export it as "webassembly"'
        )
    return page


def _told(
    circuit: Circuit, asked: dict[str, Any], module: bytes, title: str | None, temperature: float | None
) -> dict[str, Any]:
    """Return what the page knows of the circuit besides the module."""
    feature, plane = _planes(circuit)
    training = circuit.metadata.training
    task = training.task if training is not None else None
    accuracy = circuit.metadata.accuracy
    return {
        "title": title or _TITLES[asked["kind"]] + (f": {task}" if task else ""),
        "controls": asked,
        "inputFeature": _packed(feature),
        "inputPlane": _packed(plane),
        "facts": {
            "temperature": temperature,
            "bytes": len(module),
            "task": circuit.objective or ("classification" if isinstance(circuit.head, Head) else None),
            "heads": [
                {"plain": head.is_plain, "group": head.group_size(outputs)} if isinstance(head, Head) else {}
                for head, outputs in _heads(circuit)
            ],
        },
        "levels": np.diff(circuit.netlist.level_ptr).tolist(),
        "accuracy": [accuracy.value, accuracy.measured_on]
        if accuracy is not None and _is_share(accuracy.value)
        else None,
        "module": base64.b64encode(module).decode(),
    }


def _heads(circuit: Circuit) -> list[tuple[AnyHead, int]]:
    """Return the heads, and how many output bits each reads."""
    if isinstance(circuit.head, Heads):
        return [(part.head, part.outputs) for part in circuit.head.values()]
    return [] if circuit.head is None else [(circuit.head, circuit.netlist.outputs.size)]


def _planes(circuit: Circuit) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the feature of each input of the netlist, and which of the feature's inputs it is: thresholds ascend, then
    come bits of words, the least significant first, and missing values.
    """
    inputs = circuit.inputs
    feature = inputs.feature.astype(np.int64)
    key = np.full(feature.size, np.inf)
    key[: len(inputs.comparators)] = inputs.comparators.threshold
    later = np.zeros(feature.size)
    if circuit.words is not None:
        bits = slice(len(inputs.comparators), len(inputs.comparators) + len(circuit.words))
        later[bits] = 1 + circuit.words.bit
    later[feature.size - circuit.missing.size :] = 100
    order = np.lexsort((np.arange(feature.size), key, later, feature))
    sorted_ = feature[order]
    plane = np.empty(feature.size, np.int64)
    plane[order] = np.arange(feature.size) - np.searchsorted(sorted_, sorted_)
    return feature, plane


def _packed(values: NDArray[Any]) -> dict[str, str]:
    """Return numbers of at least 0 as bytes in base64, in the narrowest type."""
    kind = "u1" if values.max(initial=0) < 1 << 8 else "<u2" if values.max() < 1 << 16 else "<u4"
    return {"type": kind[-2:], "data": base64.b64encode(values.astype(kind).tobytes()).decode()}


@cache
def _text(name: str) -> str:
    return (files("lutsmith.export.page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    """Return what a content security policy calls a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _is_share(value: float | None) -> bool:
    return value is not None and 0 <= value <= 1  # a file may say anything
