"""Every format by name."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lutsmith.export import FORMATS, ExportError, Options
from lutsmith.logic import Words
from tests.tools import needs

from ..circuit.examples import random_circuit
from .cases import CASES, ranks

SMALL = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
TOO_LARGE_OR_EMPTY = {"1,000 classes": {"graphviz"}, "nothing": {"axi-stream"}}


def test_suffixes_are_distinct() -> None:
    suffixes = [suffix for item in FORMATS.values() for suffix in item.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(name == item.name for name, item in FORMATS.items())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_its_files_and_the_same_each_time(name: str) -> None:
    if name == "onnx":
        needs("onnx")
    files = FORMATS[name].files(SMALL, Options(name="net"))
    assert list(files) == [f"net{suffix}" for suffix in FORMATS[name].suffixes]
    assert all(files.values())
    assert files == FORMATS[name].files(SMALL, Options(name="net"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_every_circuit_or_says_why_not(name: str, case: str) -> None:
    if name == "onnx":
        needs("onnx")
    if name in TOO_LARGE_OR_EMPTY.get(case, ()):
        with pytest.raises(ExportError):
            FORMATS[name].files(CASES[case])
    else:
        assert FORMATS[name].files(CASES[case])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_registers(name: str) -> None:
    if name == "onnx":
        needs("onnx")
    assert all(FORMATS[name].files(ranks(registers=2)).values())


@pytest.mark.parametrize("name", FORMATS)
def test_an_option_that_means_nothing_to_a_format_is_refused(name: str) -> None:
    given = {
        "words": Words.float32(2),
        "encoder": False,
        "head": False,
        "pipeline": 2,
        "primitives": "xilinx",
    }
    assert {item.name for item in fields(Options)} == {"name", *given}
    for option, value in given.items():
        if name != "onnx" and option in FORMATS[name].takes:
            assert FORMATS[name].files(SMALL, Options(**{option: value}))
        elif option not in FORMATS[name].takes:
            with pytest.raises(ExportError, match=f"{name} takes no {option}"):
                FORMATS[name].files(SMALL, Options(**{option: value}))
