"""ONNX models read back: what stands in the file, against the model that the export writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lutsmith.export import to_onnx
from lutsmith.hardware.tools.tool import ToolMissing
from lutsmith.hardware.tools.toolchain import HARDWARE_EXTRA
from lutsmith.hardware.verification.case import Case, Files, only, row
from lutsmith.hardware.verification.readers.boxes import Mismatch
from lutsmith.hardware.verification.report import Check
from lutsmith.hardware.verification.sources.comments import shown

MORE_BYTES = 1 << 20
"""By which a file may be larger than the export: what is read takes several times its size in memory."""


def onnx_graph(files: Files, case: Case) -> Iterator[Check]:
    """Names, types, metadata and operators of an ONNX model, and whether its nodes are the export's."""
    try:
        import onnx
    except ModuleNotFoundError:
        raise ToolMissing(f"onnx is needed and not there. Install it: {HARDWARE_EXTRA}") from None
    data = only(files)
    export = to_onnx(case.circuit)
    if len(data) > 2 * len(export) + MORE_BYTES:
        raise Mismatch(f"the file has {len(data):,} bytes, where the export has {len(export):,}")
    try:
        found = onnx.ModelProto.FromString(data)
    except Exception as error:  # what protobuf raises depends on its version
        raise Mismatch(f"the file is not an ONNX model: {error}") from None
    name = found.graph.name
    if not name:
        raise Mismatch("the file has no graph with a name, which every export has")
    wanted = onnx.ModelProto.FromString(to_onnx(case.circuit, name=name))
    problem = _other_facts(found, wanted) or _other_remarks(found, wanted)
    differs = _first_difference(found, wanted)
    if differs is None and found.SerializeToString(deterministic=True) != data:
        differs = "the bytes are not those that this model is written as: another reader may find another model in them"
    text = f"names and types of inputs and outputs, metadata and operators, in a graph called {shown(name)}"
    if problem is not None:
        yield row("names", "failed", problem)
    elif differs is not None:
        yield row("names", "not decided", f"{text}; what a graph that differs makes of them, only a simulation shows")
    else:
        yield row("names", "proved", text)
    problem = _foreign(found, wanted.graph)
    if problem is not None:
        yield row("code", "failed", problem)
    elif differs is not None:
        yield row("code", "not decided", f"{differs}: of this graph, only what is run is known")
    else:
        count = len(wanted.graph.node)
        yield row("code", "proved", f"node by node what the export writes, {count:,} of them; what they compute, only "
                  "a simulation shows")  # fmt: skip


def _other_facts(found: Any, wanted: Any) -> str | None:
    """Return how what a user or a runtime reads of a model differs, besides its nodes."""
    for name in ("ir_version", "producer_name", "producer_version", "domain", "model_version", "doc_string"):
        if getattr(found, name) != getattr(wanted, name):
            return f"{name} is {_shown(getattr(found, name))}, expected {_shown(getattr(wanted, name))}"
    opsets = [sorted((item.domain, item.version) for item in side.opset_import) for side in (found, wanted)]
    if opsets[0] != opsets[1]:
        return f"the operators are of {opsets[0]}, expected {opsets[1]}"
    properties = [[(item.key, item.value) for item in side.metadata_props] for side in (found, wanted)]
    told, meant = (dict(pairs) for pairs in properties)
    if len(told) != len(properties[0]):
        return "the metadata repeats a key"
    for key in sorted({*told, *meant}):
        if told.get(key) != meant.get(key):
            return _other_property(key, told.get(key), meant.get(key))
    for kind in ("input", "output"):
        sides = [[_port(value) for value in getattr(side.graph, kind)] for side in (found, wanted)]
        if sides[0] != sides[1]:
            return f"the {kind}s are {'; '.join(sides[0])}, expected {'; '.join(sides[1])}"
    return None


def _other_remarks(found: Any, wanted: Any) -> str | None:
    """Return what a model tells people within its graph, in names of nodes or descriptions, and exports do not.

    Nodes may be missing: then the code differs.
    """
    for place, message in _messages(found):
        for field, value in message.ListFields():
            if field.name in ("doc_string", "denotation") or (field.name == "metadata_props" and message is not found):
                said = value if isinstance(value, str) else ", ".join(f"{item.key}: {item.value}" for item in value)
                return f"{place} has {field.name}, which exports have not: {shown(said)}"
    if len(found.graph.value_info):
        return f"the graph describes the value {shown(found.graph.value_info[0].name)}, which exports do not"
    names = iter([node.name for node in wanted.graph.node])
    for node in found.graph.node:
        if node.name and node.name not in names:  # which goes on behind the node that was found last
            return f"a node is called {shown(node.name)}, and the export has none of this name in this place"
    return None


def _messages(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield every message within one, itself included, and where it is."""
    waiting = [("the model", root)]
    while waiting:
        place, message = waiting.pop()
        yield place, message
        for field, value in message.ListFields():
            if field.message_type is not None:
                inner = value if hasattr(value, "__len__") else [value]
                waiting += [(f"{field.name} {shown(str(getattr(item, 'name', '')))}", item) for item in inner]


def _other_property(key: str, found: str | None, wanted: str | None) -> str:
    if found is None or wanted is None:
        return f"the metadata has {'no ' if found is None else ''}{shown(key)}"
    try:
        told, meant = json.loads(found), json.loads(wanted)
    except (ValueError, RecursionError):
        told = meant = None
    if isinstance(told, list) and isinstance(meant, list) and len(told) == len(meant):
        for index, (text, expected) in enumerate(zip(told, meant, strict=True)):
            if text != expected:
                return f"{key}[{index}] is {_shown(text)}, expected {_shown(expected)}"
    return f"{key} is {shown(found)}, expected {shown(wanted)}"


def _port(value: Any) -> str:
    """Return an input or output in words: everything that its type says."""
    tensor = value.type.tensor_type
    sizes = [size.dim_param or str(size.dim_value) for size in tensor.shape.dim]
    plain = value.type.WhichOneof("value") == "tensor_type" and not value.metadata_props
    return f"{shown(value.name)} of type {tensor.elem_type} ({', '.join(sizes)})" + ("" if plain else " and more")


def _foreign(model: Any, wanted: Any) -> str | None:
    """Return what a model has that takes it out of the file, or out of what every runtime does the same way."""
    from onnx import AttributeProto, TensorProto

    found = model.graph
    for name in ("functions", "training_info", "sparse_initializer", "quantization_annotation"):
        if len(getattr(model if hasattr(model, name) else found, name)):
            return f"the model has {name}, which exports have not"
    known = {(node.domain, node.op_type) for node in wanted.node}
    for node in found.node:
        if (node.domain, node.op_type) not in known:
            return (
                f"node {shown(node.name)} is a {shown(node.op_type)} of {shown(node.domain)}, which exports do not use"
            )
        for attribute in node.attribute:
            inner = (AttributeProto.GRAPH, AttributeProto.GRAPHS, AttributeProto.SPARSE_TENSOR)
            if attribute.type in inner or attribute.ref_attr_name:
                return f"node {shown(node.name)} has a graph of its own or an attribute from elsewhere"
    for tensor in found.initializer:
        if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
            return f"the numbers of {shown(tensor.name)} lie in another file"
    return None


def _first_difference(found: Any, wanted: Any) -> str | None:
    """Return the first node or array in which two models differ, or what else does."""
    for kind in ("node", "initializer"):
        pair = [getattr(side.graph, kind) for side in (found, wanted)]
        for given, meant in zip(*pair, strict=False):
            if given.SerializeToString(deterministic=True) != meant.SerializeToString(deterministic=True):
                return f"{kind} {shown(given.name)} is not the export's {shown(meant.name)}"
        if len(pair[0]) != len(pair[1]):
            return f"{len(pair[0])} of {kind}, expected {len(pair[1])}"
    if _plain(found) == _plain(wanted):
        return None
    fields = {item.name for side in (found, wanted) for item, _ in side.ListFields()}
    return f"the model differs beside its nodes and numbers, in one of {', '.join(sorted(fields))}"


def _plain(model: Any) -> bytes:
    """Return a model as bytes that do not depend on the order of its metadata; fields that are not known included."""
    copy = type(model)()
    copy.CopyFrom(model)
    pairs = sorted((item.key, item.value) for item in copy.metadata_props)
    del copy.metadata_props[:]
    for key, value in pairs:
        copy.metadata_props.add(key=key, value=value)
    return bytes(copy.SerializeToString(deterministic=True))


def _shown(value: Any) -> str:
    return shown(value) if isinstance(value, str) else str(value)[:60]
