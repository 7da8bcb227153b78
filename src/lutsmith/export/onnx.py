"""`to_onnx`: a circuit as an ONNX model of standard operators, which runs in onnxruntime and computes the same bits.

Everything is features first, one row a signal and one column a sample. Each level adds its rows to those that are still
read: for each rank, the rows that the LUTs read are gathered, multiplied by 1, 2, 4, ... and added up to addresses, and
`GatherElements` looks them up in the tables. Counts, scores and decisions are integer arithmetic, the values of a
regression double.

    input   x       float (N, F)
    outputs label   int64 (N,)           classification: the lowest class with the highest score
            labels  bool (N, C)          multilabel
            values  double (N, C), or (N,) with one target: regression
            scores  int32 (N, C)         wherever there is a head
            outputs bool (N, O)          where there is no head
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.export.errors import ExportError

OPSET = 17
IR_VERSION = 8
MAX_BYTES = 1 << 31
"""Of a model: protobuf holds no more."""


def to_onnx(circuit: Circuit, *, name: str = "lutsmith") -> bytes:
    """Return a circuit as an ONNX model of opset 17; the module says what its inputs and outputs are.

    Classes, names of features, the objective and the shape of a sample stand in the model's metadata, as JSON.

    Args:
        circuit: without registers.
        name: of the graph; any text.

    Raises:
        ExportError: registers, or a model of 2 GiB.
        ModuleNotFoundError: the package onnx is not installed.
    """
    if circuit.netlist.num_registers:
        raise ExportError(
            f"the circuit has {circuit.netlist.num_registers} registers, and an ONNX model has no state: "
            "export verilog, vhdl, blif, aiger or json"
        )
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "ONNX models need the package onnx, which is not installed: pip install 'lutsmith[hardware]'", name="onnx"
        ) from error

    graph = _Graph()
    bits = _encode(graph, circuit)
    outputs = _network(graph, circuit.netlist, bits)
    if circuit.head is None:
        results = [_no_head(graph, outputs, circuit.netlist.outputs.size)]
    else:
        results = _head(
            graph, outputs, circuit.head, circuit.objective or "classification", circuit.netlist.outputs.size
        )
    sample = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", circuit.encoder.num_features])
    sizes = sum(tensor.ByteSize() for tensor in graph.constants)
    if sizes >= MAX_BYTES:
        raise ExportError(f"the model would have {sizes} bytes, and ONNX holds less than {MAX_BYTES} in one file")
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, name, [sample], results, initializer=graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lutsmith",
    )
    names = circuit.schema.names
    properties = {
        "classes": None if circuit.classes is None else list(circuit.classes),
        "feature_names": None if names is None else list(names),
        "input_shape": list(circuit.input_shape),
        "task": circuit.objective,
    }
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in properties.items()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants as they are added; values have names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"{name}:{operator}", **attributes))
        return name

    def cast(self, value: str, name: str, kind: str) -> str:
        from onnx import TensorProto

        return self.add("Cast", [value], name, to=getattr(TensorProto, kind))

    def rows(self, value: str, places: NDArray[Any], name: str) -> str:
        """Gather rows by their places."""
        return self.add("Gather", [value, self.constant(f"{name}.rows", places.astype(np.int32))], name, axis=0)


def _encode(graph: _Graph, circuit: Circuit) -> str | None:
    """Return the bits of the encoder, int32 (I, N); None where there are none."""
    encoder = circuit.encoder
    if not len(encoder):
        return None
    columns = graph.add("Transpose", ["x"], "x.columns", perm=[1, 0])
    compared = graph.rows(columns, encoder.feature, "compared")
    thresholds = graph.constant("thresholds", encoder.threshold[:, None])
    return graph.cast(graph.add("Greater", [compared, thresholds], "above"), "bits", "INT32")


def _network(graph: _Graph, netlist: Netlist, bits: str | None) -> str | None:
    """Return the outputs, int32 (O, N); None where there are none."""
    last_read = _last_read(netlist)
    place = np.full(netlist.num_signals, -1, np.int64)  # of each signal among the rows
    place[: netlist.num_inputs] = np.arange(netlist.num_inputs)
    kept = np.arange(netlist.num_inputs)
    rows = bits
    for level, (start, stop) in enumerate(zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True), 1):
        made, order = _level(graph, netlist, rows, place, level, int(start), int(stop))
        live = kept[last_read[kept] > level]
        old = []
        if live.size and rows is not None:
            old = [rows if live.size == kept.size else graph.rows(rows, place[live], f"level_{level}.kept")]
        kept = np.concatenate([live, netlist.num_inputs + order])
        place[kept] = np.arange(kept.size)
        parts = [*old, *made]
        rows = parts[0] if len(parts) == 1 else graph.add("Concat", parts, f"level_{level}", axis=0)
    if not netlist.outputs.size or rows is None:
        return None
    return graph.rows(rows, place[netlist.outputs], "output_bits")


def _last_read(netlist: Netlist) -> NDArray[np.int64]:
    """Return the level (from 1) that is the last to read each signal; beyond all levels for outputs."""
    levels = netlist.level_ptr.size - 1
    of_node = np.repeat(np.arange(1, levels + 1), np.diff(netlist.level_ptr))
    last = np.zeros(netlist.num_signals, np.int64)
    np.maximum.at(last, netlist.fanin, np.repeat(of_node, netlist.ranks))
    last[netlist.outputs] = levels + 1
    return last


def _level(
    graph: _Graph, netlist: Netlist, rows: str | None, place: NDArray[np.int64], level: int, start: int, stop: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Add the LUTs of a level; return their values, int32 (W, N) for each rank, and the nodes in their order."""
    ranks, tables = netlist.ranks[start:stop], netlist.tables()[start:stop]
    made, order = [], []
    for rank in np.unique(ranks).tolist():
        nodes = start + np.flatnonzero(ranks == rank)
        name = f"level_{level}.lut{rank}"
        words = tables[nodes - start]
        entries = (words[:, None] >> np.arange(1 << rank, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)
        order.append(nodes)
        if rank == 0 or rows is None:
            made.append(_constants(graph, entries, name))
            continue
        address = ""
        for slot in range(rank):
            reads = place[netlist.fanin[netlist.fanin_ptr[nodes] + slot]]
            bit = graph.rows(rows, reads, f"{name}.in{slot}")
            if slot:
                weight = graph.constant(f"{name}.weight{slot}", np.array(1 << slot, np.int32))
                term = graph.add("Mul", [bit, weight], f"{name}.term{slot}")
                address = graph.add("Add", [address, term], f"{name}.address{slot}")
            else:
                address = bit
        table = graph.constant(f"{name}.tables", entries)
        looked_up = graph.add("GatherElements", [table, address], f"{name}.entry", axis=1)
        made.append(graph.cast(looked_up, f"{name}.out", "INT32"))
    return made, np.concatenate(order)


def _constants(graph: _Graph, values: NDArray[np.uint8], name: str) -> str:
    """Return constant rows, int32 (W, N)."""
    column = graph.constant(f"{name}.values", values.astype(np.int32))
    return graph.add("Expand", [column, _row_shape(graph, len(values), name)], f"{name}.out")


def _row_shape(graph: _Graph, rows: int, name: str) -> str:
    """Return the shape (rows, N)."""
    samples = graph.add("Shape", ["x"], f"{name}.samples", start=0, end=1)
    return graph.add("Concat", [graph.constant(f"{name}.count", np.array([rows])), samples], f"{name}.shape", axis=0)


def _no_head(graph: _Graph, outputs: str | None, count: int) -> Any:
    from onnx import TensorProto, helper

    if outputs is None:
        outputs = _constants(graph, np.zeros((0, 1), np.uint8), "no_outputs")
    graph.cast(graph.add("Transpose", [outputs], "output_columns", perm=[1, 0]), "outputs", "BOOL")
    return helper.make_tensor_value_info("outputs", TensorProto.BOOL, ["N", count])


def _head(graph: _Graph, outputs: str | None, head: Head, objective: str, count: int) -> list[Any]:
    from onnx import TensorProto, helper

    assert outputs is not None  # a head has outputs
    groups = graph.constant("groups", np.array([head.num_groups, count // head.num_groups, -1]))
    grouped = graph.add("Reshape", [outputs, groups], "grouped")
    axis = graph.constant("group_axis", np.array([1]))
    counts = graph.add("ReduceSum", [grouped, axis], "counts", keepdims=0)
    wide = graph.cast(graph.add("Transpose", [counts], "sample_counts", perm=[1, 0]), "wide_counts", "INT64")
    if head.weights is not None:
        weights = graph.constant("weights", head.weights.T.astype(np.int64))
        wide = graph.add("MatMul", [wide, weights], "weighted")
    if head.bias is not None:
        wide = graph.add("Add", [wide, graph.constant("bias", head.bias.astype(np.int64))], "biased")
    scores = graph.cast(wide, "scores", "INT32")

    shape: list[str | int | None] = ["N", head.num_classes]
    if objective == "classification":
        graph.add("ArgMax", [scores], "label", axis=1, keepdims=0, select_last_index=0)
        result = helper.make_tensor_value_info("label", TensorProto.INT64, ["N"])
    elif objective == "multilabel":
        graph.add("Greater", [scores, graph.constant("zero", np.array(0, np.int32))], "labels")
        result = helper.make_tensor_value_info("labels", TensorProto.BOOL, shape)
    else:
        value = graph.cast(scores, "values" if _is_bare(head) else "score_values", "DOUBLE")
        steps = [("Mul", "scale", head.scale), ("Add", "offset", head.offset)]
        given = [(operator, name, numbers) for operator, name, numbers in steps if numbers is not None]
        single = head.num_classes == 1
        for place, (operator, name, numbers) in enumerate(given, 1):
            ends = place == len(given) and not single
            value = graph.add(operator, [value, graph.constant(name, numbers)], "values" if ends else f"{name}d")
        if single:
            graph.add("Squeeze", [value, graph.constant("target_axis", np.array([1]))], "values")
        result = helper.make_tensor_value_info("values", TensorProto.DOUBLE, shape[:1] if single else shape)
    return [result, helper.make_tensor_value_info("scores", TensorProto.INT32, shape)]


def _is_bare(head: Head) -> bool:
    """Whether the values of a regression are its scores, more than one."""
    return head.scale is None and head.offset is None and head.num_classes > 1
