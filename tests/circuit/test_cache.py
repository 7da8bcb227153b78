"""The user's cache: one folder, which one environment variable names."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutsmith.circuit.engine import machine_code
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.ground.cache import CACHE_FOLDER, cache_base
from lutsmith.hardware import results


def test_everything_is_kept_in_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_FOLDER, str(tmp_path))
    results.remembered({"key": results.digest(NetlistBuilder(1).build([0]))}, lambda: {"luts": 0}, lambda _: True)
    assert machine_code.cache_folder() == tmp_path / "code"
    assert {path.name for path in tmp_path.iterdir()} == {"results", "code"}


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [
        ("linux", "XDG_CACHE_HOME", "{0}/lutsmith"),
        ("linux", "HOME", "{0}/.cache/lutsmith"),
        ("darwin", "HOME", "{0}/Library/Caches/lutsmith"),
        ("win32", "LOCALAPPDATA", "{0}/lutsmith"),
    ],
)
def test_without_a_name_it_is_the_systems(
    platform: str, variable: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (CACHE_FOLDER, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr("sys.platform", platform)
    assert cache_base() == Path(place.format(tmp_path))


def test_a_user_without_a_home_gets_results_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in (CACHE_FOLDER, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert machine_code.cache_folder() is None
    assert results.remembered({}, lambda: {"luts": 3}, lambda _: True) == {"luts": 3}
