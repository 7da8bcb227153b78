"""Spaces: what files may hold, what is refused, and that draws and grids stay inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.sweeps import Choices, NumberRange, Space

FILE = """
seeds = [0, 3]
[space]
lr = {low = 0.001, high = 0.1, log = true}
epochs = {low = 2, high = 8, step = 3}
rank = {low = 2, high = 6}
luts = [[100], [200, 100]]
architecture.encoder = ["uniform", "distributive"]
[fixed]
preset = "digits-fast"
settings.batch_size = 32
"""


def test_a_file_names_settings_and_seeds(tmp_path):
    (tmp_path / "space.toml").write_text(FILE)
    space = Space.of(tmp_path / "space.toml")
    assert dict(space.settings) == {
        "lr": NumberRange(0.001, 0.1, log=True),
        "epochs": NumberRange(2, 8, step=3),
        "rank": NumberRange(2, 6),
        "luts": Choices(([100], [200, 100])),
        "architecture.encoder": Choices(("uniform", "distributive")),
    }
    assert (dict(space.fixed), space.seeds) == ({"preset": "digits-fast", "settings.batch_size": 32}, (0, 3))
    assert Space.of(space.to_json()) == space
    assert space.settings["epochs"].listed == (2, 5, 8)
    assert space.settings["rank"].listed == (2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "names no setting"),
        ({"space": {"lr": 0.1}}, "expected a list of choices or .* belongs to \\[fixed\\]"),
        ({"space": {"lr": []}}, "an empty list"),
        ({"space": {"lr": [1, 1]}}, "each value once"),
        ({"space": {"lr": {"low": 1}}}, "has no high"),
        ({"space": {"lr": {"low": 1, "hihg": 2}}}, "has no hihg.*did you mean 'high'"),
        ({"space": {"lr": {"low": 2, "high": 1}}}, "low below high"),
        ({"space": {"lr": {"low": math.nan, "high": 1}}}, "low of the range of lr is nan; expected a number"),
        ({"space": {"lr": {"low": 0, "high": 1, "log": True}}}, "low above 0"),
        ({"space": {"lr": {"low": 0, "high": 1, "step": 2}}}, "step of the range"),
        ({"space": {"lr": {"low": 0, "high": 1, "log": 1}}}, "true or false"),
        ({"space": {"lr": [1]}, "fixed": {"lr": 2}}, "in \\[space\\] and in \\[fixed\\]"),
        ({"space": {"seed": [1, 2]}}, "seeds = \\[0, 1, 2\\]"),
        ({"space": {"lr": [1]}, "seeds": [1, 1]}, "each seed once"),
        ({"space": {"lr": [1]}, "seeds": []}, "a list of whole numbers"),
        ({"space": {"lr": [1]}, "sedes": [1]}, "has no sedes.*did you mean 'seeds'"),
        ({"space": [1]}, "expected a table"),
    ],
)
def test_mistakes_are_one_line(space, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        Space.of(space)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "space.toml").write_bytes(b"[space\xff")
    with pytest.raises(ValueError, match=r"space\.toml cannot be read"):
        Space.of(tmp_path / "space.toml")


def test_a_grid_has_each_combination_once_and_ranges_without_steps_have_none():
    grid = Space.of({"space": {"a": [1, 2], "b": {"low": 0, "high": 1, "step": 0.25}}}).grid()
    assert len(grid) == 10
    assert grid[-1] == {"a": 2, "b": 1.0}
    with pytest.raises(ValueError, match="a is a range whose values cannot be listed"):
        Space.of({"space": {"a": {"low": 0.0, "high": 1.0}}}).grid()
    with pytest.raises(ValueError, match="1,000,000 combinations"):
        Space.of({"space": {name: list(range(100)) for name in "abc"}}).grid()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 50), st.integers(1, 500), st.booleans(), st.booleans(), st.integers(0, 100))
def test_draws_are_in_their_range_and_of_its_type(low, width, log, whole, seed):
    ends = (low, low + width) if whole else (low / 7, (low + width) / 7)
    values = NumberRange(*ends, log=log)
    drawn = [values.draw(np.random.default_rng([seed, number])) for number in range(20)]
    assert all(values.low <= value <= values.high and isinstance(value, int if whole else float) for value in drawn)


def test_integers_of_a_small_range_are_all_drawn():
    for log in (False, True):
        values = NumberRange(1, 4, log=log)
        rng = np.random.default_rng(0)
        assert {values.draw(rng) for _ in range(200)} == {1, 2, 3, 4}
