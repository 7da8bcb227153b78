"""Circuits, rows and runs that reports are made of, and pages read as a browser reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lutsmith
from lutsmith.circuit import Circuit, CircuitBuilder, Metadata

HOSTILE = (
    '</script><script>alert(1)</script>', "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "' autofocus='",
    "{{ 7*7 }}{% raw %}", "</title></style></svg></table>", "<!--", "]]>", "&lt;b&gt;&#60;i&#62;",
    "javascript:alert(1)", "\x1b[31mRED\x1b]0;t\x07\x01\x7f", "\u202e rtl", "\u2028next\u2029", "\r\nline\x85", "\x00",
    "$\\frac{1}{0}$", "", " ", "😀é", "a" * 5000, "%s%n{0}", "url(http://example.org/x)", "\ufffe\uffff",
)  # fmt: skip
"""Names that a page must show and never obey."""


def voting(
    shape: tuple[int, ...],
    classes: tuple[Any, ...],
    *,
    luts: int = 8,
    objective: str = "classification",
    thresholds: tuple[float, ...] = (0.5,),
    **metadata: Any,
) -> Circuit:
    """A circuit of random LUTs: so many for each class, label or target."""
    random = np.random.default_rng(0)
    builder = CircuitBuilder(shape)
    count = len(classes) * luts
    features = np.repeat(builder.features.reshape(-1), len(thresholds))
    signals = builder.compare(features, np.tile(np.float32(thresholds), builder.features.size))
    reads = random.integers(0, len(signals), (count, 3))
    affine: dict[str, Any] = {"bias": [0] * len(classes)} if objective != "classification" else {}
    if objective == "regression":
        affine |= {"scale": [0.5] * len(classes), "offset": [1.0] * len(classes)}
    builder.popcount(builder.lut(signals[reads], random.random((count, 8)) < 0.5), len(classes), **affine)
    return builder.build(classes=classes, objective=objective, metadata=Metadata(**metadata))


def labelled(circuit: Circuit, rows: int = 120, seed: int = 1, wrong: float = 0.2) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of numbers from 0 to 1, and what the circuit says of them, but for a share that is something else."""
    random = np.random.default_rng(seed)
    x = random.random((rows, *circuit.input_shape), np.float32)
    y = circuit.predict(x)
    changed = random.random(rows) < wrong
    y[changed] = random.integers(0, len(circuit.classes), changed.sum())
    labels = np.empty(rows, object)
    labels[:] = [circuit.classes[place] for place in y]
    return x, labels


@dataclass
class Page(HTMLParser):
    """A page as a parser reads it.

    Attributes:
        tree: each element that opens: its tag and the names of its attributes, in their order.
        values: all values of attributes, with their tag and name.
        text: all texts, joined.
    """

    tree: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    values: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def of(cls, html: str) -> Page:
        made = cls()
        made.feed(html)
        made.close()
        assert not made.rawdata
        return made

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tree.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def all(self, tag: str, name: str) -> list[str]:
        """Return the values of an attribute."""
        return [value for own, attribute, value in self.values if (own, attribute) == (tag, name)]


def write_run(folder: Path, circuit: Circuit | None, steps: list[dict[str, Any]], **result: Any) -> Path:
    """A folder as a run leaves it: its record as a digits run wrote it, changed; without a circuit it is unfinished."""
    folder.mkdir(exist_ok=True)
    told = None
    if circuit is not None:
        lutsmith.save(circuit, folder / "model.lut")
        told = {
            "objective": "classification", "seed": 0, "score": 0.5, "soft_score": 0.6, "measured_on": "test",
            "luts": circuit.netlist.num_nodes, "depth": circuit.depth, "best_epoch": 1, "train_seconds": 1.0,
            "setup_seconds": 1.0, "comparators": 1, "encoder_luts": 0, "lowering": "proved", "rows": 10,
            "checked_rows": 20, "stopped": None, "method": "gradients", "phases": None, "task": None,
            "preset": "digits-fast", "model": "x", **result,
        }  # fmt: skip
    plan = {"task": None, "preset": "digits-fast", "data": None, "target": None, "test": None, "architecture": {},
            "settings": {"epochs": 3, "lr": 0.02}}  # fmt: skip
    record = {"format": 1, "arguments": plan, "versions": {"lutsmith": "0.0.9"}, "result": told}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    return folder
