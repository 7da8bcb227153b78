"""Public tables: their known counts, their splits, and files that are not what they should be."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.circuit.tabular import Schema
from lutsmith.data import DataError, load, load_test
from lutsmith.data.split import stratified_split
from lutsmith.data.tables.public import TABULAR_TASKS

COUNTS = {
    "adult": ([24720, 7841], [12435, 3846]),
    "monks-1": ([62, 62], [216, 216]),
    "monks-2": ([105, 64], [290, 142]),
    "monks-3": ([62, 60], [204, 228]),
    "skin-seg": ([155358, 40687], [38840, 10172]),
    "magic-gamma": ([9866, 5350], [2466, 1338]),
    "dry-bean": ([1058, 418, 1304, 2837, 1542, 1622, 2109], [264, 104, 326, 709, 386, 405, 527]),
    "unsw-nb15": ([29570, 35887], [7430, 9445]),
}


def schema(categories: list) -> Schema:
    """What a model with such categories knows."""
    return Schema(len(categories), categories=tuple(names and tuple(names) for names in categories))


@pytest.mark.parametrize("task", TABULAR_TASKS)
def test_the_real_tables_have_their_known_classes(datasets: Path, task: str) -> None:
    dataset = load(task, datasets)
    assert dataset.x_test is not None
    assert (np.bincount(dataset.y_train).tolist(), np.bincount(dataset.y_test).tolist()) == COUNTS[task]
    assert len(dataset.feature_names or ()) == dataset.input_shape[0]
    for place, names in zip(dataset.categorical, dataset.category_names, strict=True):
        codes = dataset.x_train[:, place]
        assert set(np.unique(codes[~np.isnan(codes)])) <= set(range(len(names)))
    folder = datasets / TABULAR_TASKS[task].folder
    assert np.array_equal(load(task, folder).x_train, dataset.x_train, equal_nan=True)
    x, y = load_test(task, dataset.classes, datasets, schema=schema(dataset.categories))
    np.testing.assert_array_equal(x, dataset.x_test)
    np.testing.assert_array_equal(y, dataset.y_test)


def test_adult_is_read_as_it_stands(datasets: Path) -> None:
    adult = load("adult", datasets)
    names = dict(zip(adult.categorical, adult.category_names, strict=True))
    row = [names[k][int(v)] if k in names else float(v) for k, v in enumerate(adult.x_train[0])]
    assert row == [
        39, "State-gov", 77516, "Bachelors", 13, "Never-married", "Adm-clerical", "Not-in-family", "White", "Male",
        2174, 0, 40, "United-States",
    ]  # fmt: skip
    assert np.isnan(adult.x_train).any(1).sum() == 2399  # the rows with a ?
    assert np.isnan(adult.x_test).any(1).sum() == 1221
    assert (adult.classes[adult.y_train[0]], adult.classes[adult.y_train[7]]) == ("<=50K", ">50K")


@pytest.mark.parametrize("task", ["monks-1", "monks-2", "monks-3"])
def test_the_rules_of_the_monks_hold_on_their_test_parts(datasets: Path, task: str) -> None:
    monks = load(task, datasets)
    a = [monks.x_test[:, k] + 1 for k in range(6)]  # the names are 1, 2, 3, ...
    rules = {
        "monks-1": (a[0] == a[1]) | (a[4] == 1),
        "monks-2": sum((column == 1).astype(int) for column in a) == 2,
        "monks-3": ((a[4] == 3) & (a[3] == 1)) | ((a[4] != 4) & (a[1] != 3)),
    }
    np.testing.assert_array_equal(monks.y_test, rules[task])


def test_equal_rows_of_unsw_lie_in_one_part(datasets: Path) -> None:
    unsw = load("unsw-nb15", datasets)
    rows = [{row.tobytes() for row in part} for part in (unsw.x_train, unsw.x_test)]
    assert len(rows[0] & rows[1]) < 10  # float32 makes a few rows equal that differ in float64


def test_names_are_mapped_to_a_models_codes(datasets: Path) -> None:
    monks = load("monks-1", datasets)
    categories = [list(reversed(names)) for names in monks.category_names]
    categories[0] = ["2", "none"]
    x, y = load_test("monks-1", (1, 0), datasets, schema=schema(categories))
    np.testing.assert_array_equal(y, 1 - monks.y_test)
    np.testing.assert_array_equal(x[:, 1], 2 - monks.x_test[:, 1])
    np.testing.assert_array_equal(np.isnan(x[:, 0]), monks.x_test[:, 0] != 1)
    with pytest.raises(DataError, match="other columns as categories"):
        load_test("monks-1", (0, 1), datasets, schema=schema([None, *categories[1:]]))


@pytest.mark.parametrize("task", TABULAR_TASKS)
def test_missing_files_are_named_with_where_they_were_looked_for(task: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        load(task, tmp_path)
    for part in (*TABULAR_TASKS[task].files, str(tmp_path), "data=FOLDER", "LUTSMITH_DATA"):
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("task", TABULAR_TASKS)
@pytest.mark.parametrize("damage", ["cut", "zeros", "text", "empty"])
def test_damaged_files_are_one_line_that_names_the_file(task: str, damage: str, datasets: Path, tmp_path: Path) -> None:
    folder, files = TABULAR_TASKS[task].folder, TABULAR_TASKS[task].files
    shutil.copytree(datasets / folder, tmp_path / folder)
    victim = next(path for path in (tmp_path / folder).iterdir() if path.name.startswith(files[-1]))
    content = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(
        {
            "cut": content[: len(content) * 3 // 4],
            "zeros": content[:500] + bytes(len(content) - 500),
            "text": b"no such table\n",
            "empty": b"",
        }[damage]
    )
    with pytest.raises(DataError, match=victim.name) as raised:
        load(task, tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace(" 1 1 1 1 1 3 1 data_5", " 1 1 1 1 1 3 data_5"), "row 1 has 7 fields, expected 8"),
        (lambda text: text.replace(" 1 1 1 1 1 3 1 data_5", " 7 1 1 1 1 3 1 data_5"), "label '7' is none of"),
        (lambda text: text[: text.rindex("data_432")].rsplit("\n", 1)[0] + "\n", "123 rows, the official file has 124"),
    ],
)
def test_a_wrong_row_is_named(datasets: Path, tmp_path: Path, change: object, says: str) -> None:
    shutil.copy(datasets / "monks" / "monks-1.test", tmp_path)
    original = (datasets / "monks" / "monks-1.train").read_text()
    (tmp_path / "monks-1.train.gz").write_bytes(gzip.compress(original.encode()))
    assert load("monks-1", tmp_path).x_train.shape == (124, 6)
    (tmp_path / "monks-1.train").write_text(change(original))
    with pytest.raises(DataError, match=says):
        load("monks-1", tmp_path)


@pytest.mark.parametrize(
    ("name", "task", "changes", "says"),
    [
        ("dry_bean", "dry-bean", {"y": np.full(13611, 9)}, "none of its 7 classes"),
        ("dry_bean", "dry-bean", {"X": np.zeros((5, 16))}, "fetch the file again"),
        ("dry_bean", "dry-bean", {"class_names": None}, "no array 'class_names'"),
        ("unsw_nb15_test_partition", "unsw-nb15", {"proto": None}, "no column 'proto'"),
        ("unsw_nb15_test_partition", "unsw-nb15", {"state": np.full(82332, 9, np.uint8)}, "code 9 for 7 names"),
        ("unsw_nb15_test_partition", "unsw-nb15", {"suggested_split": np.full(82332, 2)}, "0 or 1"),
    ],
)
def test_archives_of_other_contents_are_refused(
    datasets: Path, tmp_path: Path, name: str, task: str, changes: dict[str, np.ndarray | None], says: str
) -> None:
    with np.load(datasets / TABULAR_TASKS[task].folder / f"{name}.npz") as held:
        arrays = {**held, **changes}
    np.savez(tmp_path / f"{name}.npz", **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(DataError, match=says):
        load(task, tmp_path)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 9))
def test_a_split_takes_its_share_of_every_class_once(labels: list[int], share: float, seed: int) -> None:
    y = np.array(labels)
    train, test = stratified_split(y, share, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
    for rows in (train, test):
        assert (np.diff(rows) > 0).all()
    for label in set(labels):
        assert (y[test] == label).sum() == int(labels.count(label) * share + 0.5)


def test_the_split_is_the_same_everywhere_and_follows_its_formula() -> None:
    def key(row: int) -> int:
        mask = 2**64 - 1
        z = (row + 1) * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    assert key(0) == 0xE220A8397B1DCDAF  # the first output of splitmix64 seeded with 0
    y = np.arange(1000) % 2
    expected = sorted(row for k in (0, 1) for row in sorted(range(k, 1000, 2), key=key)[:100])
    assert stratified_split(y)[1].tolist() == expected
    assert stratified_split(y, seed=1)[1].tolist() != expected
