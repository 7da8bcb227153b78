"""Model files of earlier code are read, and answer bit for bit what they answered then."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith

from .answers import ROWS, answers, as_json, document, joined, tensors
from .write import FILES, SUMS, as_bytes, digest, document_keys, is_lowered, name_of, sums, table_labels, write

NAMES = sorted(path.stem for path in FILES.glob("*.lut"))
OLD = [name for name in NAMES if name.startswith("version-1-")]


def stored(name: str, folder: Path = FILES) -> dict[str, Any]:
    """What a kind's JSON file holds."""
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def assert_same(one: Any, other: Any) -> None:
    """Bit for bit, types included."""
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    np.testing.assert_array_equal(one, other)
    assert one.tobytes() == other.tobytes()  # the sign of zero


def assert_answers(circuit: lutsmith.Circuit, name: str, folder: Path = FILES) -> None:
    """The circuit says what is kept: of all rows at once, of single ones, of none, and of records."""
    told = stored(name, folder)
    info = as_json(circuit.info())
    assert {key: info.get(key) for key in told["info"]} == told["info"]
    with np.load(folder / f"{name}.npz") as file:
        kept = dict(file)
    said = {dtype: answers(circuit, kept[dtype]) for dtype in ROWS}
    for key, values in joined(said).items():
        assert_same(values, kept[key])
    assert as_json(said["float32"].get("labels")) == told["labels"]
    assert {dtype: part["warned"] for dtype, part in said.items()} == told["warned"]
    for dtype, every in said.items():
        for row in (slice(0, 0), *(slice(place, place + 1) for place in (0, 5, 7))):
            single = answers(circuit, kept[dtype][row])
            for key in single.keys() - {"labels", "warned"}:
                assert_same(single[key], every[key][row])
        np.testing.assert_array_equal(circuit.evaluate(kept[dtype]), every["outputs"])
    if "records" in told:
        of_records = answers(circuit, told["records"])
        assert {key: as_json(of_records[key]) for key in told["records answered"]} == told["records answered"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_answers_what_it_answered(name: str) -> None:
    assert_answers(lutsmith.load(FILES / f"{name}.lut"), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_saved_again_holds_and_answers_the_same(name: str, tmp_path: Path) -> None:
    before = (FILES / f"{name}.lut").read_bytes()
    path = tmp_path / "again.lut"
    lutsmith.save(lutsmith.load(FILES / f"{name}.lut"), path)
    after = path.read_bytes()
    one, two = document(before), document(after)
    for key in document_keys(one):
        assert json.dumps(two[key], sort_keys=True) == json.dumps(one[key], sort_keys=True)  # 1, 1.0 and true differ
        assert json.dumps(one[key], sort_keys=True) == json.dumps(stored(name)[key], sort_keys=True)
    assert two["version"] >= one["version"] == stored(name)["file version"]
    held, again = tensors(before), tensors(after)
    assert held.keys() <= again.keys()
    for key, values in held.items():
        assert_same(again[key], values)
    assert_answers(lutsmith.load(path), name)


@pytest.mark.parametrize("name", [name for name in NAMES if (FILES / f"{name}.csv").exists()])
def test_a_text_table_is_read_as_it_was(name: str) -> None:
    assert table_labels(FILES, name) == stored(name)["text answered"]


@pytest.mark.parametrize("name", OLD)
def test_a_file_of_version_1_answers_what_the_code_of_its_time_said(name: str) -> None:
    assert document((FILES / f"{name}.lut").read_bytes())["version"] == 1
    with np.load(FILES / f"{name}.npz") as now, np.load(FILES / f"{name}.then.npz") as then:
        assert set(then) == set(now) - set(ROWS)
        for key in then:
            assert_same(now[key], then[key])


def test_the_files_are_as_they_were_written() -> None:
    pinned = dict(reversed(line.split()) for line in sums(FILES))
    found = {path.name: digest(path) for path in FILES.iterdir() if path.name != SUMS}
    changed = sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name))
    assert not changed, f"{changed}: files are never rewritten or removed; new kinds get new names, README.md says how"


def test_kinds_and_files_have_the_same_names() -> None:
    from .kinds import KINDS

    missing = sorted(set(KINDS) - set(NAMES))
    assert not missing, f"no file of {missing}: python -m tests.compatibility.write"
    assert set(NAMES) - set(KINDS) == set(OLD)
    assert len(OLD) == 3


def without_file(classes: Iterable[type]) -> list[str]:
    """Those that no file was lowered from."""
    kept = {layer for name in NAMES for layer in stored(name)["layers"]}
    return sorted({name_of(kind) for kind in classes if is_lowered(kind) and not inspect.isabstract(kind)} - kept)


def test_every_encoder_layer_and_head_has_a_file() -> None:
    from lutsmith import dwn, interop, nn
    from lutsmith.nn.encoders import ENCODERS
    from lutsmith.nn.heads import HEADS

    public = [getattr(room, name) for room in (nn, nn.neurons, dwn, interop) for name in room.__all__]
    classes = {kind for kind in (*public, *ENCODERS.values(), *HEADS.values()) if inspect.isclass(kind)}
    missing = without_file(classes)
    assert not missing, (
        f"{', '.join(missing)}: no model file in tests/compatibility holds one. Add a recipe to kinds.py, run "
        "`python -m tests.compatibility.write`, and commit what it writes"
    )
    assert len([kind for kind in classes if is_lowered(kind)]) >= 24 + 13


def test_a_class_without_a_file_is_found() -> None:
    from lutsmith.nn import Thermometer

    planted = type("Planted", (Thermometer,), {"__module__": "lutsmith.nn.encoders.planted"})
    assert without_file([Thermometer, planted, int]) == ["nn.Planted"]


@pytest.mark.slow
@pytest.mark.needs("abc", "pyarrow")
def test_every_recipe_still_writes_what_is_read_and_nothing_is_overwritten(tmp_path: Path) -> None:
    from .kinds import KINDS

    assert sorted(write(tmp_path)) == sorted(KINDS)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for name in KINDS:
        assert stored(name, tmp_path)["layers"] == stored(name)["layers"]
        assert_answers(lutsmith.load(tmp_path / f"{name}.lut"), name, tmp_path)
    assert write(tmp_path) == []
    with pytest.raises(FileExistsError, match=r"head-none has a file in .*, never rewritten"):
        write(tmp_path, ["head-none"])
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_json_has_a_line_for_each_key() -> None:
    told = {"a": [1, 1.0, True, None], "b": {"ü": "\u2028"}}
    assert json.loads(as_bytes(told)) == told
    assert as_bytes(told).count(b"\n") == 4
