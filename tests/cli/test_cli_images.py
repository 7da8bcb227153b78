"""`lutsmith predict` and `eval` on PNG images: the answers are those for the same pixels as numbers."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit.file import save
from lutsmith.data.images import png
from tests.tools import module, needs

NAMES = ["10.png", "9.PNG", "a dog/1.png", "a dog/2.png"]  # as they are sorted


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_AT_ONCE", 1)


def plant(folder: Path, shape: tuple[int, ...], names: list[str]) -> np.ndarray:
    image = module("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 17, (len(names), *shape), np.uint8)
    for name, each in zip(names, pixels, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(each if each.ndim == 2 else np.moveaxis(each, 0, 2)).save(folder / name, "PNG")
    return pixels


@pytest.mark.parametrize("shape", [(3, 6, 4), (1, 6, 4), (6, 4)])
@pytest.mark.parametrize("method", ["predict", "decision_function"])
def test_images_are_predicted_by_name(
    lutsmith, make_circuit, tmp_path: Path, shape: tuple[int, ...], method: str
) -> None:
    circuit = make_circuit(shape, ("no", "yes"))
    save(circuit, tmp_path / "m.lut")
    folder = tmp_path / "new images"
    x = plant(folder, shape if len(shape) == 2 or shape[0] == 3 else shape[1:], NAMES).reshape(-1, *shape)
    (folder / "notes.txt").touch()
    (folder / ".hidden.png").touch()
    answer = getattr(circuit, method)(x)
    rows = [[circuit.classes[label]] for label in answer] if method == "predict" else answer.astype(str).tolist()
    said = [f"{name}\t{' '.join(row)}" for name, row in zip(NAMES, rows, strict=True)]
    assert lutsmith("predict", tmp_path / "m.lut", folder, "--method", method).out.splitlines() == said
    for ending in ("csv", "npy", "txt"):
        out = tmp_path / f"y.{ending}"
        assert lutsmith("predict", tmp_path / "m.lut", folder, "-o", out, "--method", method).code == 0
        if ending == "npy":
            np.testing.assert_array_equal(np.load(out), answer)
        elif ending == "txt":
            assert out.read_text().splitlines() == said
        else:
            with out.open(newline="") as file:
                found = list(csv.reader(file))
            assert found[0][0] == "file"
            assert found[1:] == [[name, *row] for name, row in zip(NAMES, rows, strict=True)]
    one = lutsmith("predict", tmp_path / "m.lut", folder / "a dog" / "1.png", "--method", method)
    assert one.out.splitlines() == [" ".join(rows[2])]


def test_parquet_has_the_names_too(lutsmith, make_circuit, tmp_path: Path) -> None:
    needs("pyarrow")
    from pyarrow import parquet

    save(make_circuit((6, 4), ("no", "yes")), tmp_path / "m.lut")
    plant(tmp_path / "x", (6, 4), NAMES)
    assert lutsmith("predict", tmp_path / "m.lut", tmp_path / "x", "-o", tmp_path / "y.parquet").code == 0
    assert parquet.read_table(tmp_path / "y.parquet")["file"].to_pylist() == NAMES


def test_a_model_of_any_task_is_measured_on_folders_of_its_classes(lutsmith, make_circuit, tmp_path: Path) -> None:
    circuit = make_circuit((1, 6, 4), (0, 1), task="mnist")
    save(circuit, tmp_path / "m.lut")
    names = [f"test/{label}/{number}.png" for label in (0, 1) for number in range(6)]
    x = plant(tmp_path, (6, 4), names).reshape(-1, 1, 6, 4)
    accuracy = float(np.mean(circuit.predict(x) == np.repeat([0, 1], 6)))
    said = lutsmith("eval", tmp_path / "m.lut", "--data", tmp_path).out
    assert f"accuracy {accuracy:.2%} on 12 samples of images" in said


@pytest.mark.parametrize(
    ("shape", "image", "words"),
    [
        ((1, 6, 4), (6, 5), "5 x 6 in gray; the model reads images of 4 x 6 in gray: convert"),
        ((1, 6, 4), (3, 6, 4), r"4 x 6 in colour; the model .*convert\('L'\).resize\(\(4, 6\)\)"),
        ((3, 6, 4), (6, 4), r"4 x 6 in gray; the model .* in colour: .*convert\('RGB'\)"),
        ((24,), (6, 4), r"the model's samples have shape \(24,\), and PNG images"),
        ((2, 6, 4), (6, 4), r"samples have shape \(2, 6, 4\)"),
    ],
)
def test_images_that_do_not_fit_are_told(
    lutsmith, make_circuit, tmp_path: Path, shape: Any, image: Any, words: str
) -> None:
    save(make_circuit(shape, (0, 1), task="images"), tmp_path / "m.lut")
    plant(tmp_path / "data", image, ["test/0/1.png", "test/1/1.png"])
    found = [
        lutsmith("predict", tmp_path / "m.lut", tmp_path / "data"),
        lutsmith("predict", tmp_path / "m.lut", tmp_path / "data/test/0/1.png"),
        lutsmith("eval", tmp_path / "m.lut", "--data", tmp_path / "data"),
    ]
    for outcome in found:
        assert (outcome.code, outcome.out) == (2, "")
        assert re.search(words, outcome.err)
