"""Columns that hold values of several kinds, as object columns of pandas, records and arrays of objects do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lutsmith.data import DataError, from_arrays
from lutsmith.data.tables.frames import arrow_column, arrow_of
from lutsmith.sklearn import LUTClassifier

MIXED: dict[str, tuple[list[Any], list[Any]]] = {
    "text and numbers": ([1, "x", 2.5, None, float("nan"), True], ["1", "x", "2.5", None, None, "True"]),
    "numbers and truth values": ([1.5, True, None, np.int8(3)], [1.5, 1.0, None, 3.0]),
    "text after numbers": ([None, 2, "2"], [None, "2", "2"]),
    "integers beyond int64": ([10**30, 1], [1e30, 1.0]),
}


@pytest.mark.parametrize(("values", "expected"), MIXED.values(), ids=list(MIXED))
def test_values_of_several_kinds_are_numbers_or_text(values: list[Any], expected: list[Any]) -> None:
    assert arrow_column(values, "c").to_pylist() == expected
    frame = pd.DataFrame({"n": np.arange(len(values)) + 0.5, "c": pd.Series(values, dtype=object)})
    assert arrow_of(frame)["c"].to_pylist() == expected
    assert arrow_of(frame)["n"].to_pylist() == frame["n"].tolist()
    records = [{"c": value} for value in values]
    assert arrow_of(records)["c"].to_pylist() == expected


@pytest.mark.parametrize("odd", [1j, object(), [1], {"a": 1}])
def test_other_values_are_told_by_column(odd: Any) -> None:
    for frame in (pd.DataFrame({"n": [1.0, 2.0], "c": pd.Series([odd, "x"], dtype=object)}), [{"c": odd}, {"c": "x"}]):
        with pytest.raises(DataError, match="column 'c' holds"):
            from_arrays(frame, np.array([0, 1]))
    with pytest.raises(DataError, match="column 'c' holds complex128 values"):
        arrow_of(pd.DataFrame({"c": np.ones(2, complex)}))
    with pytest.raises(DataError, match="too large for a float"):
        arrow_column([10**400, 1.5], "c")


def test_a_model_reads_mixed_columns_as_they_were_learned() -> None:
    rng = np.random.default_rng(0)
    number = rng.integers(0, 4, 300)
    code = pd.Series([int(n) if n < 2 else f"plan {n}" for n in number], dtype=object)
    code[rng.random(300) < 0.1] = None
    frame = pd.DataFrame({"code": code, "noise": rng.normal(size=300)})
    y = np.isin(number, (1, 3)).astype(int)
    model = LUTClassifier(max_luts=20, random_state=0).fit(frame, y)
    assert model.score(frame[code.notna()], y[code.notna()]) == 1
    written = frame.assign(code=[None if value is None else str(value) for value in code])
    np.testing.assert_array_equal(model.predict(written), model.predict(frame))
    np.testing.assert_array_equal(model.predict(frame.to_dict("records")), model.predict(frame))
