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
    facts             the metadata of the circuit, as in a model file: `circuit.metadata` reads it

Circuits with further inputs, heads or parts are of version 2, others of version 1; both are read. Version 2 has:

    encoder           as above: the first inputs of the netlist
    words             null, or feature: [B], bit: [B], the next inputs: input i is bit bit[i] of the word of feature[i]
      formats         what words are: feature: [K], bits: [K], signed: [K] of 0 and 1, offset: [K], per_unit: [K]; a
                      word stands for offset + word / per_unit, and `circuit.words` says what the word of a number is
    missing           [M] features, the last inputs: whether x[feature] is NaN
    netlist           as above
    head              null, or one of these
      kind            "popcount": num_groups, weights, bias, scale, offset as above, shape, task, classes. With a shape
                      there is a decision for each place: its outputs are those of the first, of the second, and so on
                      "integers": words, a list of [name, bits, signed], and shape. The outputs of a place are the bits
                      of its words, the least significant first, in two's complement where a word is signed
                      "several": heads, a list of [name, outputs that it reads, a head of another kind]
    parts             what stands in several places of the netlist: a list of
      name, netlist   the part; its signals are numbered like those of the whole
      nodes           for each instance, the node of the whole that each node of the part is
      registers       likewise its registers
    input_shape, feature_names, fitted_range, facts: as above; task and classes are the head's

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
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.traits import traits_of
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.export.errors import ExportError
from lutsmith.ground.strict_json import brief, strict_loads

FORMAT = "lutsmith circuit"
VERSION = 2
MAX_BYTES = 1 << 28
"""Of a document that is read."""

_TABLE = re.compile("[0-9a-f]{1,16}")
_KEYS = {
    1: ("input_shape", "feature_names", "task", "classes", "encoder", "netlist", "head", "fitted_range", "facts"),
    2: (
        "input_shape", "feature_names", "encoder", "words", "missing", "netlist", "head", "parts", "fitted_range",
        "facts",
    ),
}  # fmt: skip
_OF_VERSION_1 = {"registers"}
"""Traits that circuits of version 1 may have."""


def to_json_text(circuit: Circuit) -> str:
    """Return a circuit as a JSON document; the docstring of the module describes it. `from_json_text` reads it back.

    Raises:
        ExportError: the document would be longer than `from_json_text` reads.
    """
    names, fitted = circuit.schema.names, circuit.fitted_range
    version = 2 if traits_of(circuit).keys() - _OF_VERSION_1 else 1
    own = {
        "task": circuit.objective,
        "classes": None if circuit.classes is None else list(circuit.classes),
    }
    told = {
        "format": FORMAT,
        "version": version,
        "input_shape": list(circuit.input_shape),
        "feature_names": None if names is None else list(names),
        **own,
        "encoder": {
            "feature": circuit.encoder.feature.tolist(),
            "threshold": _numbers(circuit.encoder.threshold),
        },
        "words": _words(circuit.words),
        "missing": circuit.missing.tolist(),
        "netlist": _netlist(circuit.netlist),
        "head": _any_head(circuit.head, own),
        "parts": [
            {
                "name": part.name,
                "netlist": _netlist(part.netlist),
                "nodes": part.nodes.tolist(),
                "registers": part.registers.tolist(),
            }
            for part in circuit.parts
        ],
        "fitted_range": None if fitted is None else {"low": _numbers(fitted[0]), "high": _numbers(fitted[1])},
        "facts": circuit.metadata.to_json(),
    }
    if isinstance(circuit.head, Head) and version == 1:
        told["head"] = _head(circuit.head)
    document = {key: told[key] for key in told if key in ("format", "version", *_KEYS[version])}
    lines = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in document.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if len(text) > MAX_BYTES:
        raise ExportError(
            f"a circuit of {circuit.netlist.num_nodes:,} nodes is a document of {len(text):,} characters, and readers "
            f"take up to {MAX_BYTES:,}: take the model file (.lut), or blif for other tools"
        )
    return text


def from_json_text(text: str) -> Circuit:
    """Return the circuit of a document that `to_json_text` wrote. Safe with documents from strangers.

    Raises:
        ExportError: it is not such a document, is of a later version, or what it holds is not a circuit.
    """
    if len(text) > MAX_BYTES:
        raise ExportError(f"the document has {len(text)} characters, expected at most {MAX_BYTES}")
    try:
        document = strict_loads(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f'it is not an object with "format": "{FORMAT}"')
        version = document.get("version")
        if type(version) is not int or version not in _KEYS:
            raise ValueError(f"its version is {str(version)[:40]}, expected one up to {VERSION}")
        missing = [key for key in _KEYS[version] if key not in document]
        if missing:
            raise ValueError(f"it has no {missing[0]}")
        return _circuit(document)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else brief(error)
        raise ExportError(f"not a circuit in JSON: {what}") from error


def _words(words: WordBits | None) -> dict[str, Any] | None:
    if words is None:
        return None
    formats = words.formats
    return {
        "feature": words.feature.tolist(),
        "bit": words.bit.tolist(),
        "formats": {
            "feature": formats.feature.tolist(),
            "bits": formats.bits.tolist(),
            "signed": formats.signed.astype(int).tolist(),
            "offset": formats.offset.tolist(),
            "per_unit": formats.per_unit.tolist(),
        },
    }


def _head(head: Head) -> dict[str, Any]:
    arrays = {name: getattr(head, name) for name in ("weights", "bias", "scale", "offset")}
    return {
        "num_groups": head.num_groups,
        **{name: None if array is None else array.tolist() for name, array in arrays.items()},
    }


def _any_head(head: AnyHead | None, told: dict[str, Any]) -> dict[str, Any] | None:
    """Return a head of version 2; `told` are task and classes, which popcounts have."""
    if isinstance(head, Heads):
        each = [
            (name, part, {"task": part.objective, "classes": None if part.classes is None else list(part.classes)})
            for name, part in head.items()
        ]
        return {
            "kind": "several",
            "heads": [[name, part.outputs, _any_head(part.head, own)] for name, part, own in each],
        }
    if isinstance(head, IntegerHead):
        words = [[word.name, word.bits, word.signed] for word in head.words]
        return {"kind": "integers", "words": words, "shape": list(head.shape)}
    return None if head is None else {"kind": "popcount", **_head(head), "shape": list(head.shape), **told}


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
    shape, encoder, fitted = document["input_shape"], document["encoder"], document["fitted_range"]
    features = int(np.prod([int(size) for size in shape], dtype=object))
    further: dict[str, Any]
    if document["version"] == 1:
        head = document["head"]
        told = {"objective": document["task"], "classes": _read_classes(document["classes"])}
        further = told if head is None else _read_head({**head, "kind": "popcount", "shape": []}, document)
    else:
        further = {**_read_any_head(document["head"]), "words": _read_words(document["words"])}
        further |= {"missing": document["missing"], "parts": tuple(map(_read_part, _list(document["parts"], "parts")))}
    return Circuit(
        shape,
        Comparators(encoder["feature"], _read(encoder["threshold"], np.float32), features),
        _read_netlist(document["netlist"]),
        fitted_range=None if fitted is None else (_read(fitted["low"], np.float32), _read(fitted["high"], np.float32)),
        metadata=Metadata.from_json(document["facts"]),
        **further,
    )


def _read_words(told: Any) -> WordBits | None:
    if told is None:
        return None
    formats = told["formats"]
    offset, per_unit = (_read(formats[key], np.float64) for key in ("offset", "per_unit"))
    return WordBits(
        told["feature"],
        told["bit"],
        WordFormats(formats["feature"], formats["bits"], formats["signed"], offset, per_unit),
    )


def _read_head(told: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """Return the fields `head`, `objective` and `classes` of popcounts or integers; `named` has task and classes."""
    shape = tuple(_list(told["shape"], "a shape"))
    if told["kind"] == "integers":
        words = tuple(OutputWord(*word) for word in _list(told["words"], "words"))
        return {"head": IntegerHead(words, shape)}
    if told["kind"] != "popcount":
        raise ValueError(f"a head is of kind {str(told['kind'])[:40]}, expected popcount or integers")
    scale, offset = (None if told[key] is None else _read(told[key], np.float64) for key in ("scale", "offset"))
    return {
        "head": Head(told["num_groups"], told["weights"], told["bias"], scale, offset, shape),
        "objective": named["task"],
        "classes": _read_classes(named["classes"]),
    }


def _read_any_head(told: Any) -> dict[str, Any]:
    if told is None:
        return {}
    if told["kind"] != "several":
        return _read_head(told, told)
    results: dict[str, Result] = {}
    for name, outputs, head in _list(told["heads"], "heads"):
        if name in results:
            raise ValueError(f"two heads are called {str(name)[:40]}")
        results[name] = Result(outputs=outputs, **_read_head(head, head))
    return {"head": Heads(results)}


def _read_part(told: Any) -> SharedPart:
    return SharedPart(told["name"], _read_netlist(told["netlist"]), told["nodes"], told["registers"])


def _read_classes(classes: Any) -> tuple[Any, ...] | None:
    return None if classes is None else tuple(_list(classes, "classes"))


def _list(values: Any, what: str) -> list[Any]:
    if not isinstance(values, list):
        raise TypeError(f"{what} are {str(values)[:40]!r}, expected a list")
    return values


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
        raise TypeError(f"{str(values)[:40]} is not a list of numbers")
    for value in values:
        if value not in ("inf", "-inf") and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"{str(value)[:40]} is not a number")
    with np.errstate(over="ignore"):
        numbers = np.array([float(value) for value in values], dtype)
    for place in np.flatnonzero(np.isinf(numbers)).tolist():
        if not isinstance(values[place], str):
            raise ValueError(f'{str(values[place])[:40]} is beyond {dtype.__name__}: infinity is the string "inf"')
    return numbers
