"""The page about words, state, parts and places: its code runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "circuits.md"


@pytest.mark.needs("torch")
def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S))
    exec(compile(code, str(PAGE), "exec"), {})
    assert [path.name for path in tmp_path.iterdir()] == ["adder.lut"]
