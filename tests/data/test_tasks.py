"""The tasks by name: the digits are scikit-learn's, image folders are found, and mistakes are told in one line."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lutsmith.data import TASKS, DataError, Dataset, load, load_test
from tests.tools import module


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def make_images(folder: Path, count: int = 6, suffix: str = ".gz", separator: str = "-") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        for kind, array in (
            (f"images{separator}idx3", np.full((count, 28, 28), 7, np.uint8)),
            (f"labels{separator}idx1", np.arange(count, dtype=np.uint8) % 10),
        ):
            content = idx(array)
            (folder / f"{part}-{kind}-ubyte{suffix}").write_bytes(gzip.compress(content) if suffix else content)


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)


def test_the_embedded_digits_are_scikit_learns_with_its_split() -> None:
    datasets_module = module("sklearn.datasets")
    from sklearn.model_selection import train_test_split

    x, y = datasets_module.load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
    digits = load("digits")
    assert digits.x_train.shape == (1437, 1, 8, 8)
    assert digits.x_train.dtype == np.uint8
    np.testing.assert_array_equal(digits.x_train.reshape(-1, 64), x_train)
    np.testing.assert_array_equal(digits.x_test.reshape(-1, 64), x_test)
    np.testing.assert_array_equal(digits.y_train, y_train)
    np.testing.assert_array_equal(digits.y_test, y_test)
    assert digits.y_train.dtype == np.int64
    assert digits.classes == tuple(range(10))


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize(("task", "folder"), [("mnist", "mnist"), ("fashion-mnist", "fashion_mnist")])
def test_images_are_found_in_the_folder_its_parent_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, folder: str, suffix: str, separator: str
) -> None:
    make_images(tmp_path / folder, suffix=suffix, separator=separator)
    for data in (tmp_path, tmp_path / folder, str(tmp_path)):
        dataset = load(task, data)
        assert dataset.x_train.shape == (6, 1, 28, 28)
        assert dataset.x_train.dtype == np.uint8
    monkeypatch.setenv("LUTSMITH_DATA", str(tmp_path))
    assert load(task).y_test.tolist() == [0, 1, 2, 3, 4, 5]
    assert load_test(task, load(task).classes)[0].shape == (6, 1, 28, 28)


def test_the_folder_of_another_task_is_not_taken(tmp_path: Path) -> None:
    make_images(tmp_path / "mnist")
    with pytest.raises(DataError, match="fashion-mnist: looked for"):
        load("fashion-mnist", tmp_path / "mnist")
    make_images(tmp_path / "anything")
    assert load("fashion-mnist", tmp_path / "anything").classes[0] == "T-shirt/top"


def test_missing_images_say_which_files_where_and_the_variable(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        load("mnist", tmp_path)
    for part in (
        "train-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        str(tmp_path),
        "LUTSMITH_DATA",
        "data=FOLDER",
    ):
        assert part in str(raised.value)
    with pytest.raises(DataError, match="LUTSMITH_DATA"):
        load("mnist")
    with pytest.raises(DataError, match="does not exist"):
        load("mnist", tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        load("mnist", tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte.gz", np.zeros(5, np.uint8), "6 images, .* has 5 labels"),
        ("train-labels-idx1-ubyte.gz", np.full(6, 10, np.uint8), "label 10; mnist has the classes 0 to 9"),
        ("train-labels-idx1-ubyte.gz", np.zeros((6, 1), np.uint8), r"expected uint8 \(N,\)"),
        ("train-images-idx3-ubyte.gz", np.zeros(6, np.uint8), r"expected uint8 \(N, height, width\)"),
        ("t10k-images-idx3-ubyte.gz", np.zeros((6, 28, 27), np.uint8), "test samples have shape"),
    ],
)
def test_image_files_that_do_not_fit_together_are_errors(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    make_images(tmp_path)
    (tmp_path / name).write_bytes(gzip.compress(idx(array)))
    with pytest.raises(DataError, match=message):
        load("mnist", tmp_path)


def test_mistaken_arguments_are_told_in_one_line(tmp_path: Path) -> None:
    for arguments, message in [
        ({"task": "mist"}, f"task is 'mist'; expected one of {', '.join(TASKS)}"),
        ({"task": "digits", "data": tmp_path}, "embedded"),
        ({"task": "digits", "target": "y"}, "takes no target='y'"),
        ({"task": "mnist", "data": tmp_path, "test": "t.csv"}, "takes no test='t.csv'"),
        ({"task": "csv"}, "give data=FILE"),
        ({"task": "csv", "data": tmp_path, "target": "y"}, "is a folder"),
        ({"task": "npz", "data": tmp_path / "none.npz"}, "does not exist"),
    ]:
        with pytest.raises(DataError) as raised:
            load(**arguments)
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_dataset_refuses_parts_that_do_not_fit() -> None:
    x, y = np.zeros((3, 2), np.float32), np.array([0, 1, 0])
    for changes, message in [
        ({"y_train": y[:2]}, "3 samples and 2 labels"),
        ({"x_train": x[:0], "y_train": y[:0]}, "no rows"),
        ({"y_train": y + 1}, "expected 0 .. 1"),
        ({"x_test": x}, "both samples and labels"),
        ({"x_test": x[:, :1], "y_test": y}, "must be equal"),
    ]:
        arguments = {"x_train": x, "y_train": y, "x_test": None, "y_test": None, "classes": ("a", "b"), "name": "t"}
        with pytest.raises(DataError, match=message):
            Dataset(**{**arguments, **changes})


def test_loading_digits_imports_neither_torch_nor_scikit_learn() -> None:
    code = "import sys, lutsmith.data as d; d.load('digits'); print({'torch', 'sklearn', 'numba'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize(("task", "mean"), [("mnist", 33.318), ("fashion-mnist", 72.940)])
def test_the_real_images_have_their_known_statistics(datasets: Path, task: str, mean: float) -> None:
    dataset = load(task, datasets)
    assert dataset.x_train.shape == (60000, 1, 28, 28)
    assert dataset.x_test.shape == (10000, 1, 28, 28)
    assert dataset.x_train.mean() == pytest.approx(mean, abs=1e-3)
    counts = np.bincount(dataset.y_train)
    assert counts.tolist() == (
        [6000] * 10 if task != "mnist" else [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    )


def test_a_damaged_download_is_named(tmp_path: Path, datasets: Path) -> None:
    shutil.copytree(datasets / "mnist", tmp_path / "mnist")
    victim = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:100_000])
    with pytest.raises(DataError, match="t10k-images"):
        load("mnist", tmp_path)
