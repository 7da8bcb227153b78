"""What a test needs that may be missing: it is skipped then, and fails where CI=true, unless only a system brings it.

A test says so by the mark `needs("abc", "node")`, or calls `needs` where it depends on a parameter. `untested` is what
was skipped, as the one line that ends a run of pytest.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from types import ModuleType
from typing import NoReturn

import pytest

from lutsmith.hardware.tools import toolchain

ELSEWHERE = {
    "ghdl": "VHDL in ghdl",
    "iverilog": "Verilog in Icarus",
    "vvp": "Verilog in Icarus",
    "nextpnr-ice40": "placement by nextpnr",
    "CUDA": "training on CUDA",
    **({} if sys.version_info >= (3, 11) else {"pyslang": "Verilog in pyslang"}),
}
"""What neither the dev extra nor a usual machine brings, and what is not tested without it. All else CI must have."""

_MARK = "needs "


def needs(*names: str) -> None:
    """Skip the test unless all of these are here: programs that `toolchain` knows, else Python modules."""
    for name in names:
        if name in toolchain.TOOLS:
            if not toolchain.available(name):
                missing(name)
        else:
            module(name)


def module(name: str) -> ModuleType:
    """Return an optional Python module, or skip the test."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' imports
            return importlib.import_module(name)
    except ImportError as error:
        missing(name.partition(".")[0], str(error))


def chromium() -> str:
    """Return where the system's Chromium is, or skip the test."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("chromium", "install it from your system's packages, such as by apt-get install chromium")
    return found


def missing(name: str, why: str = "") -> NoReturn:
    """Skip the test for want of `name`; fail it where CI=true and the project's own set-up should have brought it."""
    reason = _MARK + name + (f": {why}" if why else "")
    if not dispensable(name):
        pytest.fail(f"{reason}. With CI=true nothing is skipped that the dev extra or LUTSMITH_DATA brings")
    pytest.skip(reason, allow_module_level=True)


def dispensable(name: str) -> bool:
    """Whether tests may go without this here."""
    return name in ELSEWHERE or os.environ.get("CI", "").lower() != "true"


def untested(reasons: Iterable[str]) -> str:
    """Return one line that says what was skipped for which reasons, and how many tests; "" where nothing was."""
    counts: Counter[str] = Counter()
    for reason in reasons:
        plain = " ".join(reason.removeprefix("Skipped: ").split())
        name = plain.removeprefix(_MARK).partition(":")[0] if plain.startswith(_MARK) else ""
        counts[ELSEWHERE.get(name, plain)] += 1
    parts = [f"{what} ({count} test{'s' * (count > 1)})" for what, count in sorted(counts.items())]
    return f"not tested here: {', '.join(parts)}" if parts else ""
