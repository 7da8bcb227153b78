"""Model files: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import lutsmith
from lutsmith.circuit import Circuit, Comparators, Metadata, ModelFileError, NetlistBuilder, load
from lutsmith.circuit import file as model_file
from lutsmith.circuit.file import from_bytes, to_bytes
from tests.circuit.examples import JSON, random_affine, random_circuit, random_images, random_netlist

CIRCUIT = random_circuit(0)
DATA = to_bytes(CIRCUIT)
AFFINE = to_bytes(random_circuit(0, objective="regression", affine={"weights": [[2, -300, 0]] * 2, "bias": [5, 99_999],
                                                              "scale": [0.1, -7.0], "offset": [0.0, 1e9]}))  # fmt: skip
VERSION_1 = zlib.decompress(base64.b64decode(
    "eNqdlMtu00AUhlOapPcCbdIW6KKa9ajy+BLbWbEBdcMuRUnryJrax7UVx2N5xuUSIvEASF2yYMEr8ADsYM2qCLFgz1vA2EVqqiZCcFZz/vH/ne"
    "NflveqlbJGyHWHIKhPBXVd1B6hOBd8GIkQtdHIQV4I3oDnQwe1HeS3dMvXWkQPNKrqmgZ2oAeeoiu+omk6UQNLte3A9siJr5mGoYBpBrpuwgkE"
    "4GvEchB20BlkPGKJBBLZRUmaC5eHNAWpHOtY60s1BOrLVs4fRIlfzk5Z6rE8ESUjyYeuF1POgctLdSylq/b4T7OnlM9enomDCrCgfFDiSjUKIo"
    "+Kchl5F1BP8MupHKCYqkgVUuaFJVbqMePFUdk3xv3xGI0x8tgwpRkVLHNFmAEPWewXKfriRQoywsekhTAq308iiN3HqIyaBQEHwaWmYM3qS5Kg"
    "JzG4KWPxpP/wul+56dcsbJSAiVUCoCLP4BrI+ssehoVNs+AENImSmVZ9ygqmiQm59EZCgO+G0Wk4e7h6kyDtmKj2BCJmz/6NoNqY6KQgxHAGsc"
    "ujl7MDmAbQiQRoBSBhPrgZTQazN1CmATRMjBLAciE/az47xCluo3CXIWZwGnEBmRslkZjJmLaBYd5gJPD8/xjjvaI+HzV6je7Pzqsj3Lvofjy+"
    "6K32Ol3RdXoV6+Dpw4Pdo9ePOt1vn1pv36hfD388Of9w/v7L8rvvrbb8uczNz1ertVqtvrCwuLS0snKrtry4MFeZr6yvrFVXb9eXNu5s1Nfvrm"
    "3tbDZ3tpvN5lZje7PZ2P41UZWJqlev6t79B7u/ATTJeRs="
))  # fmt: skip
"""`random_circuit(0, luts=6, classes=2, group=2)` as version 1 wrote it."""


def sealed(data: bytes) -> bytes:
    """The bytes with a right checksum in the place of the one of `DATA`: what a hostile writer would do."""
    old = json.loads(header_of(DATA)["__metadata__"]["lutsmith"])["checksum"].encode()
    cleared = data.replace(old, b"0" * 64, 1)
    return data.replace(old, hashlib.sha256(cleared).hexdigest().encode(), 1)


def header_of(data: bytes) -> dict[str, Any]:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def with_header(text: str, body: bytes = b"") -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(8, "little") + encoded + body


def rebuilt(
    change_document: Callable[[dict[str, Any]], object] = lambda document: None,
    change_tensors: Callable[[dict[str, np.ndarray]], object] = lambda tensors: None,
    data: bytes = DATA,
) -> bytes:
    """A file with changed contents and a right checksum."""
    document = json.loads(header_of(data)["__metadata__"]["lutsmith"])
    document["checksum"] = "0" * 64
    tensors = load_tensors(data)
    change_document(document)
    change_tensors(tensors)
    data = save_tensors(tensors, {"lutsmith": json.dumps(document)})
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


def assert_same(one: Circuit, other: Circuit) -> None:
    for name in ("input_shape", "head", "classes", "objective", "metadata"):
        assert getattr(one, name) == getattr(other, name)
    assert [type(label) for label in one.classes or ()] == [type(label) for label in other.classes or ()]
    for name in ("fanin", "fanin_ptr", "table_pool", "table_index", "level_ptr", "outputs", "register_next"):
        np.testing.assert_array_equal(getattr(one.netlist, name), getattr(other.netlist, name))
    np.testing.assert_array_equal(one.netlist.register_init, other.netlist.register_init)
    np.testing.assert_array_equal(one.encoder.feature, other.encoder.feature)
    np.testing.assert_array_equal(one.encoder.threshold, other.encoder.threshold)
    assert (one.fitted_range is None) == (other.fitted_range is None)
    if one.fitted_range is not None and other.fitted_range is not None:
        np.testing.assert_array_equal(one.fitted_range, other.fitted_range)


def test_a_saved_circuit_loads_as_the_same_circuit(tmp_path: Path) -> None:
    path = tmp_path / "model.lut"
    lutsmith.save(CIRCUIT, path)
    again = load(str(path))
    assert_same(again, CIRCUIT)
    X = random_images(1, CIRCUIT, 50)
    np.testing.assert_array_equal(again.decision_function(X), CIRCUIT.decision_function(X))
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.lut"]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    registers=st.integers(0, 2),
    luts=st.integers(0, 30),
    thresholds=st.lists(st.floats(allow_nan=False, width=32), min_size=5, max_size=5),
    facts=st.dictionaries(st.text(), JSON, max_size=4),
)
def test_any_circuit_survives_its_file(seed, registers, luts, thresholds, facts) -> None:
    netlist = random_netlist(seed, inputs=5, luts=luts, registers=registers)
    circuit = Circuit((5,), Comparators(range(5), thresholds, 5), netlist, metadata=Metadata.from_json(facts))
    data = to_bytes(circuit)
    assert_same(from_bytes(data), circuit)
    assert to_bytes(from_bytes(data)) == data


def test_a_file_of_version_1_is_still_read() -> None:
    assert b'\\"version\\":1,' in VERSION_1
    expected = random_circuit(0, luts=6, classes=2, group=2)
    assert_same(from_bytes(VERSION_1), expected)
    bits = Circuit((9,), Comparators(range(9), np.zeros(9), 9), random_netlist(0))
    assert b'\\"num_groups\\":null' in to_bytes(bits)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    scores=st.integers(1, 4),
    objective=st.sampled_from(["classification", "multilabel", "regression"]),
)
def test_any_head_survives_its_file(seed: int, scores: int, objective: str) -> None:
    circuit = random_circuit(seed, objective=objective, affine=random_affine(seed, 3, scores, objective), classes=3)
    data = to_bytes(circuit)
    again = from_bytes(data)
    assert_same(again, circuit)
    assert to_bytes(again) == data
    X = random_images(seed, circuit, 9)
    np.testing.assert_array_equal(again.predict(X), circuit.predict(X))


@pytest.mark.parametrize("classes", [("a", "é\ud800", ""), (0, 1, -5), (0.5, 1.0, 2), (1, "1", 1.5), (True, 0, 2)])
def test_labels_keep_their_type(classes) -> None:
    fields = {name: getattr(CIRCUIT, name) for name in ("input_shape", "encoder", "netlist", "head")}
    again = from_bytes(to_bytes(Circuit(**fields, classes=classes)))
    assert again.classes == classes
    assert [type(label) for label in again.classes] == [type(label) for label in classes]


def test_equal_circuits_give_equal_bytes_in_every_process() -> None:
    assert to_bytes(random_circuit(0)) == DATA
    script = "import sys; from examples import random_circuit; from lutsmith.circuit.file import to_bytes\n"
    script += "sys.stdout.buffer.write(to_bytes(random_circuit(0)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert done.stdout == DATA


def test_4000_luts_take_about_100_kilobytes() -> None:
    rng = np.random.default_rng(0)
    builder = NetlistBuilder(2352)
    first = builder.lut(rng.integers(0, 2352, (2500, 6)), rng.integers(0, 2**64, 2500, dtype=np.uint64))
    netlist = builder.build(builder.lut(rng.choice(first, (1500, 6)), rng.integers(0, 2**64, 1500, dtype=np.uint64)))
    thresholds = rng.integers(0, 255, 2352) + 0.5
    fitted = (np.zeros(784), np.full(784, 255))
    circuit = Circuit((28, 28), Comparators(np.arange(2352) // 3, thresholds, 784), netlist, fitted_range=fitted)
    assert len(to_bytes(circuit)) < 105_000


# --- damage -----------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_is_found() -> None:
    for place in range(len(DATA)):
        for mask in (0x01, 0x20, 0xFF):
            damaged = bytearray(DATA)
            damaged[place] ^= mask
            with pytest.raises(ModelFileError):
                from_bytes(bytes(damaged))


def test_every_truncation_and_every_addition_is_found() -> None:
    for size in range(len(DATA)):
        with pytest.raises(ModelFileError):
            from_bytes(DATA[:size])
    for tail in (b"\0", DATA):
        with pytest.raises(ModelFileError):
            from_bytes(DATA + tail)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_bytes_changed_under_a_right_checksum_give_a_circuit_or_the_error(data) -> None:
    changed = bytearray(DATA)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(DATA) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if kind == "set" and place < len(changed):
            changed[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del changed[place : place + data.draw(st.integers(1, 50))]
        else:
            changed[place:place] = data.draw(st.binary(max_size=9))
    check_safe(sealed(bytes(changed)))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["version", "input_shape", "num_groups", "classes", "task", "facts", "else"]), JSON)
)
def test_any_metadata_under_a_right_checksum_gives_a_circuit_or_the_error(changes) -> None:
    check_safe(rebuilt(lambda document: document.update(changes)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(load_tensors(AFFINE))), st.integers(0, 2**32), st.integers(-1, 60))
def test_any_tensor_under_a_right_checksum_gives_a_circuit_or_the_error(name: str, seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)

    def change(tensors: dict[str, np.ndarray]) -> None:
        old = tensors[name]
        raw = rng.bytes((old.size if size < 0 else size) * old.itemsize)
        if rng.random() < 0.5:
            tensors[name] = np.frombuffer(raw, old.dtype)
        else:
            changed = old.copy()
            changed[rng.integers(0, max(1, old.size), 2 if old.size else 0)] = rng.integers(0, 256)
            tensors[name] = changed

    check_safe(rebuilt(change_tensors=change, data=AFFINE))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_the_error(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        from_bytes(data)
    with pytest.raises(ModelFileError):
        from_bytes(with_header(data.decode("latin-1")))


def check_safe(data: bytes) -> None:
    """The reader refuses, or what it returns is a circuit that works."""
    try:
        circuit = from_bytes(data)
    except ModelFileError:
        return
    X = np.zeros((2, circuit.encoder.num_features), np.uint8)
    outputs = circuit.evaluate(X)
    assert outputs.shape == (2, circuit.netlist.outputs.size)
    if circuit.head is not None:
        assert circuit.head.scores(outputs).shape == (2, circuit.head.num_classes)


# --- hostile and foreign files ----------------------------------------------------------------------------------------


def entry(shape: object, offsets: object, dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def with_entry(name: str, value: object) -> bytes:
    header = header_of(DATA)
    header[name] = value
    start = 8 + int.from_bytes(DATA[:8], "little")
    return sealed(with_header(json.dumps(header), DATA[start:]))


def affine(*changes: Any, **more: Any) -> bytes:
    return rebuilt(*changes, **more, data=AFFINE)


META = header_of(DATA)["__metadata__"]["lutsmith"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a lutsmith model file"),
        (b"PK\x03\x04" + bytes(100), "not a lutsmith model file"),
        (b"\x80\x04\x95" + bytes(100), "not a lutsmith model file"),
        (b"\xff" * 100, "not a lutsmith model file"),
        ((2**24 + 1).to_bytes(8, "little") + b"{}", "not a lutsmith model file"),
        (DATA[:300], "truncated: it has 300 bytes"),
        (DATA[:-1], "checksum does not match"),
        (save_tensors({"a": np.zeros(3)}), "a safetensors file, but not a lutsmith model"),
        (save_tensors({"a": np.zeros(3)}, {"format": "pt"}), "a safetensors file, but not a lutsmith model"),
        (save_tensors({"a": np.zeros(3)}, {"lutsmith": "[1]"}), "not a JSON object"),
        (save_tensors({"a": np.zeros(3)}, {"lutsmith": "{}"}), "no format version"),
        (save_tensors({"a": np.zeros(3)}, {"lutsmith": '{"version":1}'}), "no checksum"),
        (save_tensors({"a": np.zeros(3)}, {"lutsmith": '{"version":1,"version":1}'}), "repeats the key 'version'"),
        (with_header('{"__metadata__":{"lutsmith":"{}"},"__metadata__":{}}'), "repeats the key '__metadata__'"),
        (with_header('{"__metadata__":{"lutsmith":7}}'), "header is damaged"),
        (with_header('{"__metadata__":' + "[" * 100_000 + "]" * 100_000 + "}"), "nested too deeply"),
        (with_header('{"__metadata__":' + "[" * 200 + "]" * 200 + "}"), "nested deeper than 64"),
        (with_header('{"__metadata__":{"lutsmith":NaN}}'), "JSON holds NaN"),
        (with_header('{"__metadata__":{"lutsmith":-Infinity}}'), "JSON holds -Infinity"),
        (with_header('{"__metadata__":{"lutsmith":1e999}}'), "which no float64 holds"),
        (with_header('{"__metadata__":{"lutsmith":' + "1" * 5000 + "}}"), "a number of 5000 digits"),
        (with_header('{"a'), "header is damaged"),
        (with_header("{}\x00"), "header is damaged"),
        (sealed(DATA.replace(b'\\"version\\":2', b'\\"version\\":4')), "format version 4, this lutsmith reads up to 3"),
        (DATA.replace(b'\\"version\\":2', b'\\"version\\":9'), "install a later one"),
        (rebuilt(lambda d: d.update(version=True)), "no format version"),
        (rebuilt(lambda d: d.update(version=0)), "no format version"),
        (rebuilt(lambda d: d.update(input_shape=[4, 4])), "16 features|12 values|expected 16"),
        (rebuilt(lambda d: d.update(input_shape=[2**31, 2**31])), "input_shape holds"),
        (rebuilt(lambda d: d.update(input_shape=[2**30] * 30)), "features, expected at most"),
        (rebuilt(lambda d: d.update(input_shape=[1] * 100_000)), "expected a list of 1 to 32 sizes"),
        (rebuilt(lambda d: d.update(input_shape=[12.0])), "input_shape must be integers"),
        (rebuilt(lambda d: d.update(input_shape=None)), "input_shape must be integers"),
        (rebuilt(lambda d: d.update(classes="abc")), "classes are not a list"),
        (rebuilt(lambda d: d.update(classes=[["a"], "b", "c"])), "is not a string, an integer or a finite float"),
        (rebuilt(lambda d: d.update(classes=["a", "b"])), "2 classes for a head of 3"),
        (rebuilt(lambda d: d.update(classes=["a", "a", "b"])), "two classes have the same label"),
        (rebuilt(lambda d: d.update(task="mind reading")), "objective is 'mind reading'"),
        (rebuilt(lambda d: d.update(facts=[])), "metadata must be an object of JSON"),
        (rebuilt(lambda d: d.update(num_groups="3")), "num_groups must be an int"),
        (rebuilt(lambda d: d.update(num_groups=True)), "num_groups must be an int"),
        (rebuilt(lambda d: d.update(num_groups=0)), "num_groups is 0"),
        (rebuilt(lambda d: d.update(num_groups=10**30)), "equal groups"),
        (rebuilt(lambda d: d.update(num_groups=None)), "needs a head"),
        (rebuilt(lambda d: d.update(version=1)), "needs a head"),
        (rebuilt(lambda d: d.update(version=1, head={"kind": "oracle"})), "expected a popcount"),
        (rebuilt(lambda d: d.update(version=1, head={"kind": "popcount"})), "num_groups must be an int"),
        (affine(lambda d: d.update(num_groups=None)), "no head that could have weights and bias and scale and offset"),
        (affine(lambda d: d.update(version=1, head={"kind": "popcount", "num_classes": 3})), "no head that could"),
        (affine(lambda d: d.update(num_groups=4)), "expected a multiple of its 4 groups"),
        (affine(lambda d: d.update(num_groups=10**30)), "expected a multiple of its"),
        (affine(lambda d: d.update(num_groups=-3)), "num_groups is -3"),
        (affine(lambda d: d.update(num_groups=6)), "bias has shape"),
        (affine(lambda d: d.update(task="classification")), "one for regression"),
        (affine(change_tensors=lambda t: t.update(head_weights=np.zeros((2, 3), np.int8))), "head_weights has shape"),
        (affine(change_tensors=lambda t: t.update(head_weights=np.zeros(0, np.int8))), "weights has shape"),
        (affine(change_tensors=lambda t: t.update(head_weights=np.zeros(6, np.uint8))), "head_weights has type U8"),
        (affine(change_tensors=lambda t: t.update(head_weights=np.full(6, 2**30, np.int32))), "beyond int32"),
        (affine(change_tensors=lambda t: t.pop("head_weights")), "bias has shape"),
        (affine(change_tensors=lambda t: t.update(head_bias=np.zeros((2, 1), np.int8))), "bias has shape"),
        (affine(change_tensors=lambda t: t.update(head_scale=np.full(2, np.nan))), "scale holds NaN"),
        (affine(change_tensors=lambda t: t.update(head_scale=np.full(2, 1e300))), "beyond what float64"),
        (affine(change_tensors=lambda t: t.update(head_scale=np.ones(2, np.float32))), "head_scale has type F32"),
        (affine(change_tensors=lambda t: t.update(head_offset=np.full(2, -np.inf))), "offset holds NaN or infinity"),
        (affine(change_tensors=lambda t: t.update(head_offset=np.zeros(3))), "offset has shape"),
        (rebuilt(change_tensors=lambda t: t.pop("fanin")), "not those of a circuit: fanin"),
        (rebuilt(change_tensors=lambda t: t.pop("fitted_low")), "one side only"),
        (rebuilt(change_tensors=lambda t: t.update(more=np.zeros(2))), "not those of a circuit: more"),
        (rebuilt(change_tensors=lambda t: t.update(fanin=t["fanin"].astype(np.int32))), "fanin has type I32"),
        (rebuilt(change_tensors=lambda t: t.update(fanin=t["fanin"].astype(np.float32))), "fanin has type F32"),
        (rebuilt(change_tensors=lambda t: t.update(fanin=t["fanin"].reshape(1, -1))), "fanin has shape"),
        (rebuilt(change_tensors=lambda t: t["fanin"].fill(255)), "fanin holds 255"),
        (rebuilt(change_tensors=lambda t: t["node_rank"].fill(7)), "fanin_ptr"),
        (rebuilt(change_tensors=lambda t: t["outputs"].fill(255)), "outputs holds 255"),
        (rebuilt(change_tensors=lambda t: t.update(register_init=np.zeros(1, np.uint8))), "register"),
        (rebuilt(change_tensors=lambda t: t.update(level_size=np.array([2**32 - 1], np.uint32))), "level_ptr"),
        (rebuilt(change_tensors=lambda t: t.update(level_size=np.array([32], np.uint8))), "not of a lower level"),
        (rebuilt(change_tensors=lambda t: t["comparator_feature"].fill(12)), "feature holds 12"),
        (with_entry("fanin", entry([2**62], [0, 2**62])), "tensors cannot be read"),
        (with_entry("fanin", entry([2**40, 2**40], [0, 8])), "tensors cannot be read"),
        (with_entry("fanin", entry([4], [10**9, 10**9 + 4])), "tensors cannot be read"),
        (with_entry("fanin", entry([-4], [0, 4])), "tensors cannot be read"),
        (with_entry("fanin", entry("x", None)), "tensors cannot be read"),
        (with_entry("fanin", {"dtype": ["U8"]}), "fanin has type"),
        (with_entry("fanin", None), "fanin has type None"),
        (with_entry("fanin", entry([1], [0, 1], "O")), "fanin has type O"),
    ],
)
def test_foreign_and_hostile_files_give_one_clear_error(data: bytes, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        from_bytes(data)


# --- small files that would take long --------------------------------------------------------------------------------


def hostile(rng: np.random.Generator, level_size: np.ndarray, outputs: int) -> bytes:
    """LUTs of rank 1 or 2 that read anything in lower levels."""
    inputs = load_tensors(DATA)["comparator_feature"].size
    nodes = int(level_size.sum())
    rank = rng.integers(1, 3, nodes).astype(np.uint8)
    limit = inputs + np.repeat(np.cumsum(level_size) - level_size, level_size)

    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors.pop("table_index", None)
        tensors["level_size"] = level_size.astype(np.uint32)
        tensors["node_rank"] = rank
        tensors["fanin"] = (rng.random(int(rank.sum())) * np.repeat(limit, rank)).astype(np.uint32)
        tensors["table_pool"] = rng.integers(0, 4, nodes).astype(np.uint8)
        tensors["outputs"] = rng.integers(0, inputs + nodes, outputs).astype(np.uint32)

    return rebuilt(change_tensors=change)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5]), st.sampled_from([3, 12_000]))
def test_thousands_of_levels_are_predicted_in_seconds(seed: int, widest: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    data = hostile(rng, rng.integers(1, widest + 1, 12_000), outputs)
    start = time.process_time()
    circuit = from_bytes(data)
    assert circuit.predict(np.zeros((1, *circuit.input_shape), np.uint8)).shape == (1,)
    assert time.process_time() - start < 3  # compiling the engine included, where the cache is empty


@pytest.mark.parametrize("level_size", [[0, 32], [32, 0], [20, 0, 12]])
def test_empty_levels_are_refused(level_size: list[int]) -> None:
    data = rebuilt(change_tensors=lambda t: t.update(level_size=np.array(level_size, np.uint8)))
    with pytest.raises(ModelFileError, match=f"level {level_size.index(0)} is empty"):
        from_bytes(data)


def test_a_file_of_empty_levels_is_refused_before_it_grows() -> None:
    data = rebuilt(change_tensors=lambda t: t.update(level_size=np.zeros(20_000_000, np.uint8)))
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="20000000 levels for 32 nodes"):
        from_bytes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(data)


def test_thresholds_of_nan_are_refused_under_a_right_checksum() -> None:
    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors["comparator_threshold"] = np.full(tensors["comparator_threshold"].size, np.nan, np.float32)

    with pytest.raises(ModelFileError, match="threshold is NaN"):
        from_bytes(rebuilt(change_tensors=change))


def test_the_error_is_a_value_error_and_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.lut"
    path.write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match=r"cannot load .*broken\.lut: the file is damaged"):
        load(path)


def test_paths_that_hold_no_file_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no model file .*none\.lut"):
        load(tmp_path / "none.lut")
    with pytest.raises(IsADirectoryError, match="is a folder, expected a model file"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load(tmp_path / "pipe")


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.lut"
    with path.open("wb") as file:
        file.truncate(model_file.MAX_FILE_BYTES + 1)  # sparse
    with pytest.raises(ModelFileError, match="larger than the 256 MiB"):
        load(path)


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_HEADER_BYTES", 1000)
    with pytest.raises(ValueError, match="too large for a model file"):
        lutsmith.save(CIRCUIT, tmp_path / "model.lut")
    assert not list(tmp_path.iterdir())
