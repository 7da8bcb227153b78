"""Model files (`.lut`): a safetensors file that holds one circuit.

The tensors are one-dimensional and as narrow as their values allow:

    comparator_feature, comparator_threshold      the encoder, one entry a comparator
    node_rank, fanin, level_size                  the netlist; fanin holds node_rank[i] signals for node i, in turn
    table_pool, table_index                       node i has table_pool[table_index[i]]; without an index, table_pool[i]
    outputs, register_next, register_init         signals, signals, bits
    head_weights, head_bias                       any or none; the weights are scores times groups, row by row
    head_scale, head_offset                       any or none
    fitted_low, fitted_high                       both or none

The safetensors metadata has one key, "lutsmith", whose text is a JSON object: checksum, version, input_shape,
num_groups (of the head, or null), classes, task (the objective), facts (the circuit's metadata). Version 1 had instead
of num_groups the key head, null or {"kind": "popcount", "num_classes": groups}, and no tensors of a head.

Version 3 has further inputs, heads and parts; circuits that need none of them are written as version 2. Its tensors
besides are those of `storage.inputs` (bits of words, missing values) and `storage.parts`. Its JSON object has `head`,
as `storage.heads` writes it, in place of num_groups, classes and task, and `parts`.

The checksum is the sha256 of the whole file with the checksum's own 64 digits replaced by "0": it covers every byte. It
guards against damage, not against malice, so everything is validated after it too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.storage.heads import HEAD_TENSORS, head_fields, head_json, head_tensors
from lutsmith.circuit.storage.inputs import WORD_TENSORS, input_tensors, inputs_of
from lutsmith.circuit.storage.narrow import NUMBERS, UNSIGNED, Tensors, narrow, offsets
from lutsmith.circuit.storage.parts import PART_TENSORS, part_tensors, parts_json, parts_of
from lutsmith.circuit.traits import traits_of
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.arrays import checked_shape
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.strict_json import brief, strict_loads

VERSION = 3
MAX_FILE_BYTES = 1 << 28
"""A byte of a file becomes up to some tens in memory: offsets and signals are wider there."""

MAX_HEADER_BYTES = 1 << 24

_KEY = "lutsmith"
_NO_DIGITS = "0" * 64
_TENSORS = {
    "comparator_feature": UNSIGNED,
    "comparator_threshold": NUMBERS,
    "node_rank": ("U8",),
    "fanin": UNSIGNED,
    "level_size": UNSIGNED,
    "table_pool": (*UNSIGNED, "U64"),
    "table_index": UNSIGNED,
    "outputs": UNSIGNED,
    "register_next": UNSIGNED,
    "register_init": ("U8",),
    "fitted_low": NUMBERS,
    "fitted_high": NUMBERS,
    **HEAD_TENSORS,
}
_TENSORS_3 = {**_TENSORS, **WORD_TENSORS, **PART_TENSORS}
_OPTIONAL = {"table_index", "fitted_low", "fitted_high", *HEAD_TENSORS, *WORD_TENSORS, *PART_TENSORS}
_OF_VERSION_2 = {"registers"}
"""Traits that circuits of version 2 may have."""


class ModelFileError(ValueError):
    """A file that is not a model, is damaged, or was written by a later version."""


def save(circuit: Circuit, path: str | os.PathLike[str]) -> None:
    """Write the circuit to a model file. The write is atomic: `write_atomically` says what that means, and which errors
    it raises.

    Raises:
        TypeError: it is not a circuit, but for example the run or the network that the circuit comes from.
        ValueError: the circuit is too large for a model file (256 MiB, 16 MiB of metadata and labels).
    """
    write_atomically(path, to_bytes(circuit))


def load(path: str | os.PathLike[str]) -> Circuit:
    """Read a model file. Safe with files from strangers: nothing in it is executed, and all of it is validated.

    Raises:
        FileNotFoundError, IsADirectoryError, OSError: there is no file, it is a folder, or it cannot be read.
        ModelFileError: the file is not a model, is damaged, or was written by a later version; a `ValueError`.
    """
    data = read_bytes(path)
    try:
        return from_bytes(data)
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {Path(path)}: {error}") from error.__cause__


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return what a model file holds, before anything of it is checked but that it is a regular file of at most 256
    MiB. Errors are those of `load`.
    """
    place = Path(path)
    try:
        status = place.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no model file {place}") from None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{place} is a folder, expected a model file such as {place / 'model.lut'}")
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError(f"{place} is not a regular file")
    try:
        _check_size(status.st_size)
        with place.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        _check_size(len(data))
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {place}: {error}") from error.__cause__
    return data


def to_bytes(circuit: Circuit) -> bytes:
    """Return the bytes of the circuit's model file; equal circuits give equal bytes.

    Raises:
        ValueError: they would be more than `from_bytes` takes.
    """
    instance_of("circuit", circuit, Circuit)
    netlist, encoder = circuit.netlist, circuit.encoder
    tensors = {
        "comparator_feature": narrow(encoder.feature, np.uint32),
        "comparator_threshold": narrow(encoder.threshold, np.float32),
        "node_rank": netlist.ranks.astype(np.uint8),
        "fanin": narrow(netlist.fanin, np.uint32),
        "level_size": narrow(np.diff(netlist.level_ptr), np.uint32),
        "table_pool": narrow(netlist.table_pool, np.uint64),
        "outputs": narrow(netlist.outputs, np.uint32),
        "register_next": narrow(netlist.register_next, np.uint32),
        "register_init": netlist.register_init.astype(np.uint8),
    }
    if not np.array_equal(netlist.table_index, np.arange(netlist.table_pool.size)):
        tensors["table_index"] = narrow(netlist.table_index, np.uint32)
    if circuit.fitted_range is not None:
        low, high = circuit.fitted_range
        tensors.update(fitted_low=narrow(low, np.float32), fitted_high=narrow(high, np.float32))
    tensors |= {**head_tensors(circuit.head), **input_tensors(circuit), **part_tensors(circuit.parts)}
    version = VERSION if traits_of(circuit).keys() - _OF_VERSION_2 else 2
    head: dict[str, Any]
    if isinstance(circuit.head, (Head, type(None))) and version == 2:
        groups = None if circuit.head is None else circuit.head.num_groups
        head = {"num_groups": groups, "classes": circuit.classes, "task": circuit.objective}
    else:
        head = {
            "head": head_json(circuit.head, circuit.objective, circuit.classes),
            "parts": parts_json(circuit.parts),
        }
    document = {
        "checksum": _NO_DIGITS,  # first: the first 64 zeros of the file are the ones to replace
        "version": version,
        "input_shape": circuit.input_shape,
        **head,
        "facts": circuit.metadata.to_json(),
    }
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    data: bytes = save_tensors(tensors, {_KEY: text})
    if len(data) > MAX_FILE_BYTES or int.from_bytes(data[:8], "little") > MAX_HEADER_BYTES:
        limits = f"at most {MAX_FILE_BYTES >> 20} MiB, with {MAX_HEADER_BYTES >> 20} MiB of metadata and labels"
        raise ValueError(f"the circuit is too large for a model file: {limits}")
    return data.replace(_NO_DIGITS.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


def from_bytes(data: bytes) -> Circuit:
    """Return the circuit of a model file's bytes.

    Raises:
        ModelFileError: they are not those of a model file, or of a later version's.
    """
    _check_size(len(data))
    header, document = _header(data)
    _check_version(document)
    _check_digest(data, document)
    try:
        return _circuit(document, _tensors(data, header, document["version"]))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else brief(error)
        raise ModelFileError(f"the file does not describe a circuit: {what}") from error


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ModelFileError(f"the file is larger than the {MAX_FILE_BYTES >> 20} MiB that a model may have")


def _header(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the safetensors header and the JSON document in its metadata."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > MAX_HEADER_BYTES or data[8:9] != b"{":
        raise ModelFileError("this is not a lutsmith model file")
    if len(data) < 8 + size:
        raise ModelFileError(f"the file is truncated: it has {len(data)} bytes, its header alone {8 + size}")
    try:
        header = strict_loads(data[8 : 8 + size].decode())
        metadata = header.pop("__metadata__", None)
        if not isinstance(metadata, dict) or _KEY not in metadata:
            raise ModelFileError("this is a safetensors file, but not a lutsmith model")
        document = strict_loads(metadata[_KEY])
    except ModelFileError:
        raise
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"the file's header is damaged: {error}") from error
    if not isinstance(document, dict):
        raise ModelFileError("the file's metadata is not a JSON object")
    return header, document


def _check_version(document: dict[str, Any]) -> None:
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise ModelFileError("the file has no format version")
    if version > VERSION:
        raise ModelFileError(
            f"the file has format version {version}, this lutsmith reads up to {VERSION}: install a later one"
        )


def _check_digest(data: bytes, document: dict[str, Any]) -> None:
    digest = document.get("checksum")
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ModelFileError("the file has no checksum")
    cleared = data.replace(digest.encode(), _NO_DIGITS.encode(), 1)
    if hashlib.sha256(cleared).hexdigest() != digest:
        raise ModelFileError("the file is damaged: its checksum does not match, get a new copy")


def _tensors(data: bytes, header: dict[str, Any], version: int) -> Tensors:
    known = _TENSORS_3 if version >= VERSION else _TENSORS
    missing = known.keys() - _OPTIONAL - header.keys()
    unknown = header.keys() - known.keys()
    if missing or unknown:
        raise ValueError(f"its tensors are not those of a circuit: {', '.join(sorted(missing | unknown))[:200]}")
    for name, entry in header.items():
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if dtype not in known[name]:
            raise ValueError(f"{name} has type {str(dtype)[:40]}, expected one of {', '.join(known[name])}")
    try:
        tensors: Tensors = load_tensors(data)
    except SafetensorError as error:
        raise ValueError(f"its tensors cannot be read ({error})") from error
    return tensors


def _circuit(document: dict[str, Any], tensors: Tensors) -> Circuit:
    shape = checked_shape(document.get("input_shape"))
    if ("fitted_low" in tensors) != ("fitted_high" in tensors):
        raise ValueError("its fitted range has one side only")
    nodes, levels = tensors["node_rank"].size, tensors["level_size"].size
    if levels > nodes:  # before anything is expanded
        raise ValueError(f"level_size has {levels} levels for {nodes} nodes: none may be empty")
    further: dict[str, Any]
    if document["version"] < VERSION:
        further, inputs = _head_fields(document, tensors), 0
    else:
        further = {**head_fields(_required(document, "head"), tensors), **inputs_of(tensors)}
        further["parts"] = parts_of(_required(document, "parts"), tensors)
        inputs = sum(tensors[name].size for name in ("word_feature", "missing") if name in tensors)
    netlist = Netlist(
        num_inputs=tensors["comparator_feature"].size + inputs,
        fanin=tensors["fanin"],
        fanin_ptr=offsets(tensors["node_rank"]),
        table_pool=tensors["table_pool"],
        table_index=tensors.get("table_index", np.arange(nodes, dtype=np.int32)),
        level_ptr=offsets(tensors["level_size"]),
        outputs=tensors["outputs"],
        register_next=tensors["register_next"],
        register_init=tensors["register_init"],
    )
    return Circuit(
        input_shape=shape,
        encoder=Comparators(tensors["comparator_feature"], tensors["comparator_threshold"], math.prod(shape)),
        netlist=netlist,
        fitted_range=(tensors["fitted_low"], tensors["fitted_high"]) if "fitted_low" in tensors else None,
        metadata=Metadata.from_json(document.get("facts")),
        **further,
    )


def _required(document: dict[str, Any], key: str) -> Any:
    if key not in document:
        raise ValueError(f"it has no {key}")
    return document[key]


def _head_fields(document: dict[str, Any], tensors: Tensors) -> dict[str, Any]:
    """The fields of the head in versions 1 and 2."""
    classes = document.get("classes")
    if not isinstance(classes, (list, type(None))):
        raise TypeError("its classes are not a list")
    labels = None if classes is None else tuple(classes)
    return {"head": _head(document, tensors), "classes": labels, "objective": document.get("task")}


def _head(document: dict[str, Any], tensors: Tensors) -> Head | None:
    groups = document.get("num_groups")
    if document["version"] == 1:
        old = document.get("head")
        if old is not None and (not isinstance(old, dict) or old.get("kind") != "popcount"):
            raise ValueError(f"its head is {str(old)[:80]}, expected a popcount")
        groups = None if old is None else old.get("num_classes", "missing")
    parts: dict[str, Any] = {name.removeprefix("head_"): tensors.get(name) for name in HEAD_TENSORS}
    given = [name for name, tensor in parts.items() if tensor is not None]
    if given and (groups is None or document["version"] == 1):
        raise ValueError(f"it has no head that could have {' and '.join(given)}")
    if groups is None:
        return None
    weights = parts["weights"]
    if weights is not None and type(groups) is int and groups > 0:  # else Head says what is wrong
        if weights.ndim != 1 or weights.size % groups:
            raise ValueError(f"head_weights has shape {weights.shape}, expected a multiple of its {groups} groups")
        parts["weights"] = weights.reshape(-1, groups)
    return Head(groups, **parts)
