"""`to_json_text` and `from_json_text`: a circuit as one JSON document, complete and exact.

    format            "lutsmith circuit"
    version           1
    input_shape       the shape of one sample; features are numbered in its flattened (C) order
    feature_names     a list of F strings, or null
    task              the objective, "classification", "multilabel", "regression" or null
    classes           labels as they are (strings, integers, floats), or null
    encoder           feature: [I], threshold: [I]; bit i is x[feature[i]] > threshold[i] in float32, false for NaN
    netlist
      num_inputs      I; signals 0 .. I-1 are the bits of the encoder
      registers       next: [R] signals, init: [R] of 0 and 1; signals I .. I+R-1 are what they hold
      level_sizes     nodes of each level, in order; node i is signal I+R+i
      nodes           a list of [table, [signals it reads]]; the first signal is the lowest bit of the address, and the
                      table is the integer whose bit a is the value at address a, in hexadecimal, a digit for every
                      four entries
      outputs         [O] signals
    head              null, or
      num_groups      G; the outputs fall into equal groups, and n_g counts the ones of group g
      weights, bias   score c is sum_g weights[c][g] n_g + bias[c]; null stands for the identity and for zeros
      scale, offset   for regression, value c is score_c * scale[c] + offset[c]; null stands for ones and for zeros
    fitted_range      null, or low: [F], high: [F]: where the features lay in training
    facts             what a circuit tells of itself, as in a model file: `circuit.metadata` reads it

Numbers are written so that reading them as float32 (thresholds, range) or float64 (scale, offset) gives them back; the
infinities are the strings "inf" and "-inf".
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import Netlist
from lutsmith.export.errors import ExportError
from lutsmith.ground.strict_json import strict_loads

FORMAT = "lutsmith circuit"
VERSION = 1
MAX_BYTES = 1 << 28
"""Of a document that is read."""

_TABLE = re.compile("[0-9a-f]{1,16}")
_KEYS = (
    "input_shape", "feature_names", "task", "classes", "encoder", "netlist", "head", "fitted_range", "facts",
)  # fmt: skip


def to_json_text(circuit: Circuit) -> str:
    """Return a circuit as a JSON document; the module says what stands in it. `from_json_text` reads it back."""
    head, fitted = circuit.head, circuit.fitted_range
    names = circuit.schema.names
    document = {
        "format": FORMAT,
        "version": VERSION,
        "input_shape": list(circuit.input_shape),
        "feature_names": None if names is None else list(names),
        "task": circuit.objective,
        "classes": None if circuit.classes is None else list(circuit.classes),
        "encoder": {
            "feature": circuit.encoder.feature.tolist(),
            "threshold": _numbers(circuit.encoder.threshold),
        },
        "netlist": _netlist(circuit.netlist),
        "head": None
        if head is None
        else {
            "num_groups": head.num_groups,
            "weights": None if head.weights is None else head.weights.tolist(),
            "bias": None if head.bias is None else head.bias.tolist(),
            "scale": None if head.scale is None else head.scale.tolist(),
            "offset": None if head.offset is None else head.offset.tolist(),
        },
        "fitted_range": None if fitted is None else {"low": _numbers(fitted[0]), "high": _numbers(fitted[1])},
        "facts": circuit.metadata.to_json(),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json_text(text: str) -> Circuit:
    """Return the circuit of a document that `to_json_text` wrote. Safe with documents from strangers.

    Raises:
        ExportError: it is not such a document, is of a later version, or what it holds is no circuit.
    """
    if len(text) > MAX_BYTES:
        raise ExportError(f"the document has {len(text)} characters, expected at most {MAX_BYTES}")
    try:
        document = strict_loads(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f'it is no object with "format": "{FORMAT}"')
        if document.get("version") is True or document.get("version") != VERSION:
            raise ValueError(f"its version is {document.get('version')!r}, expected {VERSION}")
        missing = [key for key in _KEYS if key not in document]
        if missing:
            raise ValueError(f"it has no {missing[0]}")
        return _circuit(document)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ExportError(f"not a circuit in JSON: {what}") from error


def _netlist(netlist: Netlist) -> dict[str, Any]:
    first, nodes = netlist.fanin_ptr.tolist(), netlist.num_nodes
    fanin, tables, ranks = netlist.fanin.tolist(), netlist.tables().tolist(), netlist.ranks.tolist()
    digits = [max(1, (1 << rank) // 4) for rank in range(7)]
    return {
        "num_inputs": netlist.num_inputs,
        "registers": {
            "next": netlist.register_next.tolist(),
            "init": netlist.register_init.astype(np.uint8).tolist(),
        },
        "level_sizes": np.diff(netlist.level_ptr).tolist(),
        "nodes": [[f"{tables[i]:0{digits[ranks[i]]}x}", fanin[first[i] : first[i + 1]]] for i in range(nodes)],
        "outputs": netlist.outputs.tolist(),
    }


def _circuit(document: dict[str, Any]) -> Circuit:
    shape, encoder, parts = document["input_shape"], document["encoder"], document["head"]
    features = int(np.prod([int(size) for size in shape], dtype=object))
    head = None
    if parts is not None:
        scale, offset = (None if parts[key] is None else _read(parts[key], np.float64) for key in ("scale", "offset"))
        head = Head(parts["num_groups"], parts["weights"], parts["bias"], scale, offset)
    fitted, classes = document["fitted_range"], document["classes"]
    if classes is not None and not isinstance(classes, list):
        raise TypeError(f"classes are {str(classes)[:40]!r}, expected a list or null")
    return Circuit(
        shape,
        Comparators(encoder["feature"], _read(encoder["threshold"], np.float32), features),
        _read_netlist(document["netlist"]),
        head,
        classes=None if classes is None else tuple(classes),
        objective=document["task"],
        fitted_range=None if fitted is None else (_read(fitted["low"], np.float32), _read(fitted["high"], np.float32)),
        metadata=Metadata.from_json(document["facts"]),
    )


def _read_netlist(parts: dict[str, Any]) -> Netlist:
    words, reads = [], []
    for place, node in enumerate(parts["nodes"]):
        pair = isinstance(node, list) and len(node) == 2 and isinstance(node[0], str)
        if not pair or not _TABLE.fullmatch(node[0]):
            raise ValueError(f"node {place} is {str(node)[:60]}, expected [table in hexadecimal, [signals]]")
        words.append(int(node[0], 16))
        reads.append(node[1])
    pool, index = np.unique(np.array(words, np.uint64), return_inverse=True)
    fanin: Any = [signal for signals in reads for signal in signals]
    return Netlist(
        num_inputs=parts["num_inputs"],
        fanin=fanin,
        fanin_ptr=np.append(0, np.cumsum([len(signals) for signals in reads], dtype=np.int64)),
        table_pool=pool,
        table_index=index.reshape(-1).astype(np.int32),
        level_ptr=np.append(0, np.cumsum(np.array(parts["level_sizes"], np.int64))),
        outputs=parts["outputs"],
        register_next=parts["registers"]["next"],
        register_init=parts["registers"]["init"],
    )


def _numbers(values: NDArray[np.float32]) -> list[float | str]:
    """Return float32 numbers as floats with as few digits as tell them apart."""
    shown = [str(value) if np.isinf(value) else float(str(value)) for value in values]
    again = np.array(shown, np.float64).astype(np.float32)
    return [float(value) if value != back else text for text, value, back in zip(shown, values, again, strict=True)]


def _read(values: Any, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    if not isinstance(values, list):
        raise TypeError(f"{str(values)[:40]} is no list of numbers")
    for value in values:
        if value not in ("inf", "-inf") and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"{str(value)[:40]} is no number")
    with np.errstate(over="ignore"):
        numbers = np.array([float(value) for value in values], dtype)
    for place in np.flatnonzero(np.isinf(numbers)).tolist():
        if not isinstance(values[place], str):
            raise ValueError(f'{str(values[place])[:40]} is beyond {dtype.__name__}: infinity is the string "inf"')
    return numbers
