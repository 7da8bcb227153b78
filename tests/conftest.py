"""What tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real data sets, named by LUTSMITH_DATA; without it the test is skipped, and fails where CI=true."""
    named = os.environ.get("LUTSMITH_DATA")
    if named and Path(named).is_dir():
        return Path(named)
    reason = f"LUTSMITH_DATA is {named!r}; set it to the folder that holds mnist, fashion_mnist, ..."
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _interpreted() -> Iterator[None]:
    """No test makes machine code by the way, or writes to the user's cache; those of machine code ask for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUTSMITH_COMPILE", "0")
        yield
