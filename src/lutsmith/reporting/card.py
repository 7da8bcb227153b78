"""`card`: a README for a model, with the head that model hubs read. It shows what is recorded, and measures nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.ground.printable import printable, shortened
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import count, counted
from lutsmith.reporting.overview import MEASURED_ON
from lutsmith.reporting.proofs import shown
from lutsmith.reporting.rows import NoRows
from lutsmith.reporting.sections.origin import settings
from lutsmith.reporting.subject import Subject

MOST = 100
"""Features and classes that are listed."""

LONGEST = 400
"""Signs of a name or a value that are shown."""

_WHAT = (
    "A network of look-up tables{}: features become bits, and logic on bits makes the votes, which a head adds up. "
    "lutsmith predicts with it on any CPU; "
    "`lutsmith verify` checks that its exports to Verilog, VHDL, C, JavaScript and others compute the same."
)

_MEANING = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "://": "&#58;//", "www.": "www&#46;", "@": "&#64;"}
"""What would be HTML, or become a link by itself."""

_PIPELINES = {"classification": "classification", "multilabel": "classification", "regression": "regression"}
_METRICS = {"classification": "accuracy", "multilabel": "share of right bits", "regression": "r2"}


def card(source: Any, path: str | PathLike[str] | None = None, *, name: str | None = None,
         license: str | None = None) -> str:  # noqa: A002 - the head's word for it  # fmt: skip
    """Return a model card as Markdown, and write it if a path is given: whole or not at all.

    It begins with the YAML head that model hubs read: library, tags, task, licence and recorded results. Then it says
    how to use the model, what it reads and answers, what it reached, its size, what was shown about it, and how it was
    trained, as far as the model file and the record of its run contain this. Names may hold anything: they are shown as
    text.

    Args:
        source: a model file, the folder of a finished run, a `Circuit` or a `Run`.
        path: where it goes, such as `README.md` beside the model; a file that is there is replaced.
        name: what the model is called; default: the task, or the name of the folder or file.
        license: an SPDX identifier, such as "apache-2.0"; None: the head names no licence.

    Raises:
        TypeError, ValueError: as for `report`; or a run without a model.
        OSError: nothing is at `source`, or the card cannot be written.
    """
    subject = Subject.of(source)
    if subject.circuit is None:
        raise ValueError(f"{subject.name}: {' '.join(subject.notes) or 'there is no model'} A card needs a model")
    circuit = subject.circuit
    called = name or (f"{subject.task} by look-up tables" if subject.task else subject.name)
    metric = _metric(subject, circuit)
    parts = [
        f"---\n{_head(subject, circuit, called, license, metric)}\n---",
        f"# {_text(called)}",
        _WHAT.format(_maker(circuit)),
        *_use(subject, circuit),
        *_reached(metric),
        "## What it is",
        _table(("", ""), _facts(circuit)),
        *_read(circuit),
        "## What was shown",
        _table(("step", "verdict", "how", "what that trusts"), shown(subject)),
        *_trained(subject),
        f"The model file has {len(subject.content):,} bytes; its SHA-256 checksum is `{subject.checksum}`.",
    ]
    text = "\n\n".join(parts) + "\n"
    if path is not None:
        from lutsmith.ground.atomic import write_atomically

        write_atomically(path, text.encode())
    return text


def _head(subject: Subject, circuit: Circuit, name: str, license_: str | None, metric: dict[str, Any] | None) -> str:
    """The YAML head, without its fences. Its values are JSON, which YAML holds."""
    kind = "image" if len(circuit.input_shape) > 1 else "tabular"
    pipeline = f"{kind}-{_PIPELINES.get(circuit.objective or 'classification', 'classification')}"
    if pipeline == "image-regression" or subject.is_alu or circuit.head is None:
        pipeline = "other"
    tags = ["lutsmith", "lookup-table-network", "logic-gate-network", "fpga", kind]
    told: dict[str, Any] = {"library_name": "lutsmith", "tags": tags}
    if license_ is not None:
        told = {"license": license_, **told}
    if pipeline != "other":
        told["pipeline_tag"] = pipeline
    result: dict[str, Any] = {"name": name, "results": []}
    if metric is not None:
        task = subject.task or "unknown"
        result["results"] = [
            {
                "task": {"type": pipeline},
                "dataset": {"name": task, "type": task},
                "metrics": [
                    {"type": metric["type"], "value": metric["value"], "name": f"{metric['name']}, {metric['on']}"}
                ],
            }
        ]
    told["model-index"] = [result]
    return "\n".join(f"{key}: {json.dumps(_clean(value), ensure_ascii=False)}" for key, value in told.items())


def _clean(value: Any) -> Any:
    """Texts without control characters, and not endless."""
    if isinstance(value, str):
        return shortened(printable(value), LONGEST)
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def _text(value: object) -> str:
    """A text of others as Markdown shows it, letter by letter: no element, link or emphasis comes of it."""
    plain = shortened(printable(str(value)), LONGEST)
    for sign, instead in _MEANING.items():
        plain = plain.replace(sign, instead)
    return re.sub(r"([\\`*{}\[\]|~$^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", plain)


def _metric(subject: Subject, circuit: Circuit) -> dict[str, Any] | None:
    """What the model reached, as recorded: of its run, else of the file."""
    objective = circuit.objective or "classification"
    recorded = subject.recorded_score()
    if recorded is None or objective not in _METRICS:
        return None
    value, on = recorded
    where = MEASURED_ON.get(on, "as recorded").removesuffix(", as recorded")
    kind = _METRICS[objective]
    shown_value = f"{value:.4f}" if objective == "regression" else f"{100 * value:.2f} %"
    return {"type": kind, "name": {"r2": "R²"}.get(kind, kind), "value": round(value, 6), "on": where,
            "shown": shown_value}  # fmt: skip


def _use(subject: Subject, circuit: Circuit) -> list[str]:
    file = _code(subject.model.name if subject.model else "model.lut")
    rows = f"X: (N, {', '.join(map(str, circuit.input_shape))}) numbers"
    if circuit.metadata.feature_names is not None and len(circuit.input_shape) == 1:
        rows += ", or a frame with the columns below"
    call = "predict_labels" if circuit.classes is not None else "predict"
    return [
        "## How to use it",
        f"```console\npip install lutsmith\nlutsmith export {file} --format verilog -o exported\n```",
        f"```python\nimport lutsmith\n\ncircuit = lutsmith.load({json.dumps(file)})\ncircuit.{call}(X)  # {rows}\n```",
    ]


def _maker(circuit: Circuit) -> str:
    """Which version trained it, where it tells; that which writes the card need not be it."""
    training = circuit.metadata.training
    known = training is not None and training.lutsmith
    return f", trained with lutsmith {_text(known)}" if known else ""


def _reached(metric: dict[str, Any] | None) -> list[str]:
    if metric is None:
        return ["## What it reaches", "Nothing is recorded: `lutsmith eval` measures it on data of yours."]
    return ["## What it reaches", _table(("measure", "value", "of"), [(metric["name"], metric["shown"], metric["on"])])]


def _facts(circuit: Circuit) -> list[tuple[str, str]]:
    ranks = {rank: number for rank, number in circuit.luts_by_rank().items() if rank}
    found = [
        ("LUTs", count(sum(ranks.values()))),
        ("by inputs", ", ".join(f"{count(number)} of {rank}" for rank, number in ranks.items()) or "none"),
        ("depth", counted(circuit.depth, "level")),
        ("thresholds", f"{count(len(circuit.encoder))} on {counted(circuit.info()['features_used'], 'feature')}"),
    ]
    if circuit.netlist.num_registers:
        found.append(("registers", count(circuit.netlist.num_registers)))
    return found


def _read(circuit: Circuit) -> list[str]:
    """What it reads and answers by name, where it knows names."""
    found = []
    names = circuit.metadata.feature_names
    if names is not None and len(circuit.input_shape) == 1:
        kinds = circuit.metadata.categories or (None,) * len(names)
        rows = [(name, "a number" if kind is None else f"one of {_listed(kind, 8)}")
                for name, kind in zip(names[:MOST], kinds, strict=False)]  # fmt: skip
        found += ["## What it reads", _table(("column", "holds"), rows)]
        if len(names) > MOST:
            found.append(f"And {len(names) - MOST:,} more columns.")
    if circuit.classes is not None:
        found.append(f"It answers with one of {_text(_listed(circuit.classes, MOST))}.")
    return found


def _trained(subject: Subject) -> list[str]:
    told = settings(Context(subject, NoRows("a card measures nothing")))
    if not told:
        return []
    return ["## How it was trained", _table(("setting", "value"), list(told.items()))]


def _listed(names: Sequence[Any], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(shortened(str(name), 60) for name in names[:most]) + more


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(name: str) -> str:
    """The name of a file, where letters alone would stand in a block of code."""
    return name if re.fullmatch(r"[\w.\-]{1,200}", name) else "model.lut"
