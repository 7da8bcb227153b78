"""What the rows of a verification say together."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lutsmith.hardware import Verification
from lutsmith.hardware.verification.report import Check, Loss, summary

DESIGN = Check("design", "formal", "network", "proved")
FORMAL = Check("blif", "formal", "all", "proved")
READ = Check("blif", "read-back", "all", "proved")
RUN = Check("blif", "simulation", "all", "simulated", samples=9)


def of(format_: str, *checks: Check) -> tuple[Check, ...]:
    return tuple(check if check.format == "design" else replace(check, format=format_) for check in checks)


@pytest.mark.parametrize(
    ("checks", "own", "foreign"),
    [
        ((), "not established", "not established"),
        ((FORMAL,), "not established", "not established"),  # of a design that nothing was said of
        ((DESIGN,), "not established", "not established"),
        ((DESIGN, FORMAL), "holds", "holds"),
        ((replace(DESIGN, verdict="not run"), FORMAL), "not established", "not established"),
        ((DESIGN, FORMAL, replace(FORMAL, verdict="not decided")), "not established", "not established"),
        ((DESIGN, READ), "holds", "holds"),
        ((DESIGN, replace(READ, part="names")), "not established", "not established"),
        ((READ,), "not established", "not established"),
        ((RUN,), "holds", "not established"),
        ((RUN, replace(RUN, verdict="not run")), "not established", "not established"),
        ((DESIGN, FORMAL, replace(RUN, verdict="failed")), "fails", "fails"),
        ((RUN, replace(READ, verdict="failed")), "fails", "fails"),
    ],
)
def test_logic_holds_where_it_was_proved_or_is_our_own_and_agrees(checks, own, foreign):
    for format_ in ("blif", "verilog"):
        rows = of(format_, *checks)
        assert Verification(rows, formats=(format_,)).outcome == own
        assert Verification(rows, formats=(format_,), foreign=(format_,)).outcome == foreign
        assert Verification(rows, formats=(format_,), foreign=("c",)).outcome == own


@pytest.mark.parametrize(
    ("checks", "own", "foreign"),
    [
        ((RUN,), "holds", "not established"),
        ((replace(READ, part="code"),), "not established", "not established"),
        ((RUN, replace(READ, part="code")), "holds", "holds"),
        ((RUN, replace(READ, part="code", verdict="not decided")), "holds", "not established"),
        ((replace(RUN, verdict="not run"), replace(READ, part="code")), "not established", "not established"),
        ((RUN, replace(READ, verdict="failed")), "fails", "fails"),
    ],
)
def test_programs_from_elsewhere_hold_where_they_are_the_exports_and_agree(checks, own, foreign):
    rows = of("c", *checks)
    assert Verification(rows, formats=("c",)).outcome == own
    assert Verification(rows, formats=("c",), foreign=("c",)).outcome == foreign


def test_a_document_that_was_read_back_whole_holds_without_its_design():
    assert Verification(of("json", READ)).outcome == "holds"
    assert Verification(of("json", replace(READ, part="names"))).outcome == "not established"


def test_all_formats_hold_together_and_one_that_fails_fails_them_all():
    rows = (*of("c", RUN), *of("json", READ))
    both = Verification(rows)
    assert (both.formats, both.foreign, both.loss) == (("c", "json"), (), None)
    assert both.ok
    assert both.failures == both.open == ()
    more = Verification(rows, formats=("c", "json", "blif"))
    assert (more.outcome, more.ok) == ("not established", False)
    wrong = replace(RUN, format="blif", verdict="failed")
    assert Verification((*rows, wrong)).outcome == "fails"
    assert Verification((*rows, wrong)).failures == (wrong,)
    assert Verification(()).outcome == "not established"
    assert both.of("json") == both.of(layer="read-back") == both.of("json", "read-back") == of("json", READ)


def test_the_text_is_a_table_and_the_json_says_the_same():
    slow = Check("blif", "formal", "encoder", "not decided", "no proof\nwithin 1 s", 1.25)
    found = Verification((*of("c", RUN), slow), Loss(4, 10, 0.5))
    assert str(found).splitlines() == [
        "format  layer       part     verdict      seconds",
        "c       simulation  all      simulated    0.00",
        "blif    formal      encoder  not decided  1.25     no proof within 1 s",
        "1 simulated, 1 not decided",
        "blif: not established",
        "not established",
        "words of 4 bits change 50.00% of the results on 10 samples",
    ]
    told = json.loads(json.dumps(found.to_json()))
    assert (told["ok"], told["outcome"]) == (False, "not established")
    assert told["formats"] == {"c": "holds", "blif": "not established"}
    assert [(row["format"], row["verdict"], row["samples"]) for row in told["checks"]] == [
        ("c", "simulated", 9),
        ("blif", "not decided", 0),
    ]
    assert told["loss"] == {
        "bits": 4, "samples": 10, "changed": 0.5, "accuracy": None, "quantised_accuracy": None,
    }  # fmt: skip
    assert "nothing was checked" in str(Verification(()))
    assert Verification(()).to_json()["loss"] is None


def test_a_row_says_nothing_that_it_was_not_told():
    assert Check("c", "formal", "all", "proved") == Check("c", "formal", "all", "proved", "", 0.0, 0)
    assert summary([]) == "not run"
    assert summary([RUN, FORMAL, RUN]) == "proved, simulated"
