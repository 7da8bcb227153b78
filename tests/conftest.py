"""What tests of several rooms share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .tools import missing, needs, untested

# Processes of tests share the cores: threads that wait spinning would take the time of the others, and children's.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real data sets, named by LUTSMITH_DATA; without it the test is skipped, and fails where CI=true."""
    named = os.environ.get("LUTSMITH_DATA")
    if not named or not Path(named).is_dir():
        missing("LUTSMITH_DATA", f"it is {named!r}; set it to the folder that holds mnist, fashion_mnist, ...")
    return Path(named)


@pytest.fixture(scope="session", autouse=True)
def _interpreted() -> Iterator[None]:
    """No test makes machine code by the way, or writes to the user's cache; those of machine code ask for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUTSMITH_COMPILE", "0")
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Python's search for garbage leaves out what is there by now, tests and modules: nothing of it is ever garbage."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that lacks what its mark `needs` names."""
    for mark in item.iter_markers("needs"):
        needs(*mark.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the last line what was not tested."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter is not None else ()
    line = untested(report.longrepr[2] for report in skipped)
    if line:
        reporter.write_line(line)
