"""Heads: counts, scores and decisions by integer arithmetic, and integers of output bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import IntegerHead, Result
from lutsmith.export.onnx.graph import Graph
from lutsmith.export.onnx.network import constant_rows


def no_head(graph: Graph, outputs: str | None, count: int) -> Any:
    """Add the output bits as they are, bool (N, O); return what leaves the graph."""
    from onnx import TensorProto, helper

    if outputs is None:
        outputs = constant_rows(graph, np.zeros((0, 1), np.uint8), "no_outputs")
    graph.cast(graph.add("Transpose", [outputs], "output_columns", perm=[1, 0]), "outputs", "BOOL")
    return helper.make_tensor_value_info("outputs", TensorProto.BOOL, ["N", count])


def head_results(graph: Graph, outputs: str, part: Result, prefix: str = "") -> list[Any]:
    """Add a head on its output bits, int32 (O, N); return what leaves the graph, whose names begin with the prefix."""
    if isinstance(part.head, IntegerHead):
        return _integers(graph, outputs, part.head, prefix)
    return _decision(graph, outputs, part, part.head, prefix)


def result_names(part: Result, prefix: str = "") -> list[str]:
    """Return the names of what leaves the graph of a head."""
    if isinstance(part.head, IntegerHead):
        return [f"{prefix}words.{word.name}" for word in part.head.words]
    kinds = {"multilabel": "labels", "regression": "values"}
    return [f"{prefix}{kinds.get(part.objective or '', 'label')}", f"{prefix}scores"]


def _integers(graph: Graph, outputs: str, head: IntegerHead, prefix: str) -> list[Any]:
    """Add the integers of bits, each with its weight, int64 (N, *shape)."""
    from onnx import TensorProto, helper

    places, width = math.prod(head.shape), sum(word.bits for word in head.words)
    names = result_names(Result(head, places * width), prefix)
    sizes = graph.constant(f"{prefix}word_sizes", np.array([places, width, -1]))
    wide = graph.add("Reshape", [graph.cast(outputs, f"{prefix}wide_bits", "INT64"), sizes], f"{prefix}word_bits")
    axis = graph.constant(f"{prefix}word_axis", np.array([1]))
    shape = graph.constant(f"{prefix}word_shape", np.array([0, *head.shape]))
    start = 0
    for word, name in zip(head.words, names, strict=True):
        bits = graph.add(
            "Gather",
            [wide, graph.constant(f"{name}.places", np.arange(start, start + word.bits, dtype=np.int32))],
            f"{name}.bits",
            axis=1,
        )
        start += word.bits
        weights = np.int64(1) << np.arange(word.bits)
        if word.signed:
            weights[-1:] = -weights[-1:]
        # by MatMul: the ReduceSum of onnxruntime rounds int64 to 53 bits
        product = graph.add("MatMul", [graph.constant(f"{name}.weights", weights[None]), bits], f"{name}.product")
        total = graph.add("Squeeze", [product, axis], f"{name}.total")
        graph.add("Reshape", [graph.add("Transpose", [total], f"{name}.samples", perm=[1, 0]), shape], name)
    size: list[str | int | None] = ["N", *head.shape]
    return [helper.make_tensor_value_info(name, TensorProto.INT64, size) for name in names]


def _decision(graph: Graph, outputs: str, part: Result, head: Head, prefix: str) -> list[Any]:
    from onnx import TensorProto, helper

    objective, places = part.objective or "classification", head.places
    size = head.group_size(part.outputs)
    groups = graph.constant(f"{prefix}groups", np.array([places * head.num_groups, size, -1]))
    grouped = graph.add("Reshape", [outputs, groups], f"{prefix}grouped")
    axis = graph.constant(f"{prefix}group_axis", np.array([1]))
    counts = graph.add("ReduceSum", [grouped, axis], f"{prefix}counts", keepdims=0)
    counts = graph.add("Transpose", [counts], f"{prefix}sample_counts", perm=[1, 0])
    if head.shape:
        apart = graph.constant(f"{prefix}places", np.array([0, *head.shape, head.num_groups]))
        counts = graph.add("Reshape", [counts, apart], f"{prefix}place_counts")
    wide = graph.cast(counts, f"{prefix}wide_counts", "INT64")
    if head.weights is not None:
        weights = graph.constant(f"{prefix}weights", head.weights.T.astype(np.int64))
        wide = graph.add("MatMul", [wide, weights], f"{prefix}weighted")
    if head.bias is not None:
        bias = graph.constant(f"{prefix}bias", head.bias.astype(np.int64))
        wide = graph.add("Add", [wide, bias], f"{prefix}biased")
    scores = graph.cast(wide, f"{prefix}scores", "INT32")

    shape: list[str | int | None] = ["N", *head.shape, head.num_classes]
    last, (result_name, _) = len(head.shape) + 1, result_names(part, prefix)
    if objective == "classification":
        graph.add("ArgMax", [scores], result_name, axis=last, keepdims=0, select_last_index=0)
        result = helper.make_tensor_value_info(result_name, TensorProto.INT64, shape[:-1])
    elif objective == "multilabel":
        graph.add("Greater", [scores, graph.constant(f"{prefix}zero", np.array(0, np.int32))], result_name)
        result = helper.make_tensor_value_info(result_name, TensorProto.BOOL, shape)
    else:
        value = graph.cast(scores, result_name if _is_bare(head) else f"{prefix}score_values", "DOUBLE")
        steps = [("Mul", "scale", head.scale), ("Add", "offset", head.offset)]
        given = [(operator, name, numbers) for operator, name, numbers in steps if numbers is not None]
        single = head.num_classes == 1
        for place, (operator, name, numbers) in enumerate(given, 1):
            to = result_name if place == len(given) and not single else f"{prefix}{name}d"
            value = graph.add(operator, [value, graph.constant(f"{prefix}{name}", numbers)], to)
        if single:
            graph.add("Squeeze", [value, graph.constant(f"{prefix}target_axis", np.array([last]))], result_name)
        result = helper.make_tensor_value_info(result_name, TensorProto.DOUBLE, shape[:-1] if single else shape)
    return [result, helper.make_tensor_value_info(f"{prefix}scores", TensorProto.INT32, shape)]


def _is_bare(head: Head) -> bool:
    """Whether the values of a regression are its scores, more than one."""
    return head.scale is None and head.offset is None and head.num_classes > 1
