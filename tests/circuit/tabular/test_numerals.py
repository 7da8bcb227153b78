"""Numbers as people write them: every way is told from the others, and read back as the number that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutsmith.circuit.tabular import Numerals
from lutsmith.circuit.tabular.numerals import GROUPS, PLAIN, UNITS, readings


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["23,5", "-7", "1,25"], [23.5, -7, 1.25]),
        (["1,000", "999", "2,500,000", "1,234.5"], [1000, 999, 2_500_000, 1234.5]),
        (["1.000.000,5", "12"], [1_000_000.5, 12]),
        (["1 000", "20 500,5"], [1000, 20500.5]),
        (["50%", "12.5 %", "-3%"], [50, 12.5, -3]),
        (["$5", "-$1,250.50", "$ 7"], [5, -1250.5, 7]),
        (["5 €", "1.250,50 €"], [5, 1250.5]),
        (["0x10", "0xfF", "-0x1"], [16, 255, -1]),
        (["\u22125,5"], [-5.5]),
        (["0,125", "0,250"], [0.125, 0.25]),  # a grouped number does not begin with 0
        (["1e3", " 5 ", "inf"], [1000, 5, float("inf")]),
    ],
)
def test_a_column_is_read_as_it_is_written(cells: list[str], numbers: list[float]) -> None:
    (numerals,) = readings(cells)
    assert [numerals.parse(cell) for cell in cells] == numbers
    assert Numerals.from_json(numerals.to_json()) == numerals


@pytest.mark.parametrize(
    "cells",
    [["1,5", "x"], ["$5", "€5"], ["50%", "50"], ["1.5", "1,5"], ["2020-01-01"], ["0x10", "16"], ["1,23,456"], ["%"]],
)
def test_what_does_not_agree_is_not_read(cells: list[str]) -> None:
    assert readings(cells) == []


def test_what_can_be_read_in_two_ways_has_two_readings() -> None:
    thousands, fraction = readings(["1,250", "3,000"])
    assert (thousands.parse("1,250"), fraction.parse("1,250")) == (1250, 1.25)
    assert readings(["1,250"], ",")[0].parse("1,250") == 1.25
    assert readings(["1,250"], ".")[0].parse("1,250") == 1250
    fraction, thousands = readings(["1.250"])
    assert (fraction, thousands.parse("1.250")) == (PLAIN, 1250)
    assert readings(["1.250"], ",")[0].parse("1.250") == 1250


@given(
    number=st.floats(-1e12, 1e12).map(lambda value: round(value, 3)),
    style=st.sampled_from([(mark, group) for mark, groups in GROUPS.items() for group in ("", *groups)]),
    unit=st.sampled_from(["", *UNITS]),
    behind=st.booleans(),
)
def test_every_style_reads_what_it_writes(number: float, style: tuple[str, str], unit: str, behind: bool) -> None:
    mark, group = style
    whole, fraction = f"{abs(number):,.3f}".split(".")
    text = whole.replace(",", group) + mark + fraction
    text = ("-" if number < 0 else "") + (f"{text} {unit}".strip() if behind else unit + text)
    assert Numerals(decimal=mark, group=group, unit=unit).parse(text) == number


@given(st.text(max_size=12) | st.from_regex(r"[-+$%0-9.,x' ]{1,8}", fullmatch=True))
def test_any_text_is_a_number_or_none(cell: str) -> None:
    for numerals in readings([cell]):
        assert isinstance(numerals.parse(cell), float)


@pytest.mark.parametrize(
    "value", [None, [], {"form": "roman"}, {"decimal": ";"}, {"group": "x"}, {"unit": "%%"}, {"lenient": 1}, {"a": 1},
              {"decimal": ["."]}, {"group": {}}]
)  # fmt: skip
def test_a_way_of_writing_is_checked(value: object) -> None:
    with pytest.raises(ValueError, match=r"write numbers|numbers are written"):
        Numerals.from_json(value)
