"""`to_onnx`: a circuit as an ONNX model of standard operators, which runs in onnxruntime and computes the same bits.

All arrays are features first: one row for each signal, one column for each sample. Each level adds its rows to those
that are still read: for each rank, the rows that the LUTs read are gathered, multiplied by 1, 2, 4, ... and added up to
addresses, and `GatherElements` looks them up in the tables. Counts, scores and decisions are integer arithmetic, the
values of a regression double.

    input   x       float (N, F)
    outputs label   int64 (N,)           classification: the lowest class with the highest score
            labels  bool (N, C)          multilabel
            values  double (N, C), or (N,) with one target: regression
            scores int32 (N, C)         with a head of popcounts
            words.W int64 (N,)           an integer that is called W
            outputs bool (N, O)          where there is no head

With places, (N, *shape, ...) stands for (N, ...). Of several heads, names begin with that of the head: `size.values`. A
circuit with registers has an input `state`, bool (N, R), what they hold in each of N streams, and an output
`next_state`, bool (N, R), what they hold in the next cycle; the metadata has what they start with, `register_init`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.results import Heads, Result
from lutsmith.circuit.traits import refuse, traits_of
from lutsmith.export.errors import ExportError
from lutsmith.export.onnx.graph import Graph
from lutsmith.export.onnx.heads import head_results, no_head, result_names
from lutsmith.export.onnx.inputs import input_bits
from lutsmith.export.onnx.network import network

OPSET = 17
IR_VERSION = 8
LONGEST = 63
"""Bits of an integer, besides its sign, that int64 holds."""

MAX_BYTES = 1 << 31
"""Of a model: protobuf holds no more."""


def to_onnx(circuit: Circuit, *, name: str = "lutsmith") -> bytes:
    """Return a circuit as an ONNX model of opset 17; the docstring of the module lists its inputs and outputs.

    Classes, names of features, the objective and the shape of a sample stand in the model's metadata, as JSON.

    Args:
        circuit: without words above 24 bits, and without integers that int64 does not hold.
        name: of the graph; any text.

    Raises:
        ExportError: such words or integers, or a model of 2 GiB.
        ModuleNotFoundError: the package onnx is not installed.
    """
    instead = "export c or javascript, or verilog, blif, aiger or json"
    refuse(circuit, ("long words",), "ONNX", instead, ExportError)
    heads = _heads(circuit)
    for part in heads.values():
        long = [word for word in getattr(part.head, "words", ()) if word.bits - word.signed > LONGEST]
        if long:
            raise ExportError(
                f"{long[0].name} is an integer of {long[0].bits} bits, which int64 does not hold: {instead}"
            )
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "ONNX models need the package onnx, which is not installed: pip install 'lutsmith[hardware]'", name="onnx"
        ) from error

    netlist, own = circuit.netlist, heads.keys() - {""}
    prefixes = {key: f"{key}." if key else "" for key in heads}
    ends = [end for key, part in heads.items() for end in result_names(part, prefixes[key])]
    traits = traits_of(circuit).keys() - {"parts"}
    graph = Graph("." if traits else "", [*(ends or ["outputs"]), "next_state"])
    state = "state" if netlist.num_registers else None
    outputs, following = network(graph, netlist, input_bits(graph, circuit, state))
    results, first = [] if heads else [no_head(graph, outputs, netlist.outputs.size)], 0
    for key, part in heads.items():
        assert outputs is not None  # a head has outputs
        rows = outputs
        if own:
            rows = graph.rows(outputs, np.arange(first, first + part.outputs), f"{key}.outputs")
        first += part.outputs
        results += head_results(graph, rows, part, prefixes[key])
    given = []
    if following is not None:
        size: list[str | int | None] = ["N", netlist.num_registers]
        given.append(onnx.helper.make_tensor_value_info("state", onnx.TensorProto.BOOL, size))
        graph.cast(graph.add("Transpose", [following], "register_columns", perm=[1, 0]), "next_state", "BOOL")
        results.append(onnx.helper.make_tensor_value_info("next_state", onnx.TensorProto.BOOL, size))
    sample = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", circuit.encoder.num_features])
    sizes = sum(tensor.ByteSize() for tensor in graph.constants)
    if sizes >= MAX_BYTES:
        raise ExportError(
            f"the model would have {sizes:,} bytes, and ONNX holds less than {MAX_BYTES:,} in one file: take the model "
            "file (.lut), or c-compact for programs"
        )
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, name, [sample, *given], results, initializer=graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lutsmith",
    )
    names = circuit.schema.names
    properties: dict[str, Any] = {
        "classes": None if circuit.classes is None else list(circuit.classes),
        "feature_names": None if names is None else list(names),
        "input_shape": list(circuit.input_shape),
        "task": circuit.objective,
    }
    if netlist.num_registers:
        properties["register_init"] = netlist.register_init.astype(int).tolist()
    if own:
        properties["heads"] = {
            key: {"task": part.objective, "classes": None if part.classes is None else list(part.classes)}
            for key, part in heads.items()
        }
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in properties.items()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _heads(circuit: Circuit) -> dict[str, Result]:
    """Return the heads by name; a single one has none."""
    if circuit.head is None or isinstance(circuit.head, Heads):
        return dict(circuit.head or {})
    return {"": Result(circuit.head, circuit.netlist.outputs.size, circuit.objective, circuit.classes)}
