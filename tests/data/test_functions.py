"""PLA files and the functions of the IWLS 2020 contest."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lutsmith.data import DataError, MissingDataError
from lutsmith.data.functions import KNOWN, Pla, load_function, read_pla, write_pla

TABLE = b".i 3\n.o 2\n.p 3\n.type fr\n011 10\n1-0 01 # seen\n000 -1\n.e\n"


def same(one: Pla, other: Pla) -> bool:
    fields = ("type", "input_names", "output_names")
    equal = all(getattr(one, name) == getattr(other, name) for name in fields)
    return equal and np.array_equal(one.inputs, other.inputs) and np.array_equal(one.outputs, other.outputs)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rows=st.integers(0, 9), inputs=st.integers(1, 9), outputs=st.integers(1, 4))
def test_a_table_reads_back_plain_and_gzipped(
    tmp_path: Path, data: st.DataObject, rows: int, inputs: int, outputs: int
) -> None:
    marks = st.integers(0, 2)
    named = data.draw(st.booleans())
    table = Pla(
        data.draw(arrays(np.uint8, (rows, inputs), elements=marks)),
        data.draw(arrays(np.uint8, (rows, outputs), elements=marks)),
        data.draw(st.sampled_from(["fr", "fd"])),
        tuple(f"in{place}" for place in range(inputs)) if named else None,
        tuple(f"out{place}" for place in range(outputs)) if named else None,
    )
    for name in ("table.pla", "table.pla.gz"):
        write_pla(tmp_path / name, table)
        assert same(read_pla(tmp_path / name), table)


def test_a_table_says_of_each_sample_what_its_cubes_say(tmp_path: Path) -> None:
    (tmp_path / "t.pla").write_bytes(TABLE)
    table = read_pla(tmp_path / "t.pla")
    samples = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]])
    assert table.values(samples).tolist() == [[1, 0], [0, 1], [0, 1], [2, 1], [2, 2]]
    function = Pla(table.inputs, table.outputs, "fd")
    assert function.values(samples).tolist() == [[1, 0], [0, 1], [0, 1], [2, 1], [0, 0]]
    with pytest.raises(ValueError, match="row 1 has a -"):
        table.examples()
    with pytest.raises(ValueError, match="type fd has no examples"):
        function.examples()
    with pytest.raises(ValueError, match="both 0 and 1 of output 0 for sample 4"):
        Pla([[2, 1, 1], [1, 1, 2]], [[1], [0]]).values(samples)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no .i and .o"),
        (b"\x89PNG\r\n\x1a\n", "before .i and .o"),
        (TABLE[:-13], "2 rows, .p says 3; the file is cut off"),
        (TABLE.replace(b".p 3\n", b"")[:-3], "neither .p nor .e"),
        (TABLE.replace(b"011", b"01"), "line 5: a row of 2 and 2 marks, expected 3 and 2"),
        (TABLE.replace(b"011", b"0x1"), "line 5: a row of 3 and 2 marks"),
        (TABLE.replace(b"fr", b"f"), "line 4: .type is 'f'; expected one of fr, fd"),
        (TABLE.replace(b".o 2", b".i 2"), "line 2: .i is unknown, stands twice"),
        (TABLE.replace(b".i 3", b".i 99999999999"), "line 1: .i is 99,999,999,999, expected 1 to"),
        (TABLE.replace(b".i 3", b".i -3"), "line 1: .i needs one whole number"),
        (TABLE.replace(b".p 3", b".kiss"), "line 3: .kiss is unknown"),
        (TABLE + b"000 11\n", "line 9: text after .e"),
        (gzip.compress(TABLE)[:-9], "damaged gzip"),
    ],
)
def test_what_is_not_a_whole_table_is_one_clear_message(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "t.pla"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        read_pla(file)
    assert "\n" not in str(raised.value)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("name", ["ex01", "ex08", "ex13", "ex15", "ex23", "ex39", "ex41", "ex49", "ex74"])
def test_what_is_known_of_a_function_is_true_of_all_of_its_rows(datasets: Path, name: str) -> None:
    function = load_function(name, datasets)
    for part in (function.train, function.valid, function.test):
        assert len(part) == 6400
        assert np.array_equal(function.known.oracle(part.x), part.y)


def test_functions_are_found_in_an_archive_and_in_pla_files(datasets: Path, tmp_path: Path) -> None:
    archive = load_function("ex30", datasets)
    folder = tmp_path / "iwls2020"
    folder.mkdir()
    for part in ("train", "valid", "test"):
        table = read_pla(datasets / "iwls2020" / f"ex30.{part}.pla.gz")
        write_pla(folder / f"ex30.{part}.pla", table)
    files = load_function("ex30", tmp_path)
    assert np.array_equal(files.train.x, archive.train.x)
    assert np.array_equal(files.test.y, archive.test.y)
    with pytest.raises(MissingDataError, match="no rows of ex14"):
        load_function("ex14", datasets)
    with pytest.raises(ValueError, match="name is 'ex100'"):
        load_function("ex100", datasets)
    with pytest.raises(ValueError, match=r"ex50 \(PicoJava\) has no oracle"):
        KNOWN["ex50"].oracle(archive.train.x)
