"""A small model on disk, and commands run in this process as `main` runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import Circuit, CircuitBuilder, Metadata
from lutsmith.circuit.file import save
from lutsmith.cli import run


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def lutsmith(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command and return its exit code and what it printed."""

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


def _make_circuit(
    input_shape: tuple[int, ...] = (1, 8, 8), classes: tuple = tuple(range(10)), **metadata: object
) -> Circuit:
    """A circuit of random LUTs on features from 0 to 16."""
    random = np.random.default_rng(7)
    builder = CircuitBuilder(input_shape)
    features = np.repeat(builder.features.reshape(-1), 3)
    signals = builder.compare(features, np.tile([3.5, 7.5, 11.5], len(features) // 3).astype(np.float32))
    wiring = np.array([random.permutation(len(signals))[:3] for _ in range(4 * len(classes))])
    luts = builder.lut(signals[wiring], random.integers(0, 2, (len(wiring), 8)))
    builder.popcount(luts, len(classes))
    size = builder.features.size
    return builder.build(
        luts,
        classes=classes,
        objective="classification",
        fitted_range=(np.zeros(size, np.float32), np.full(size, 16, np.float32)),
        metadata=Metadata.from_json(metadata),
    )


@pytest.fixture(scope="session")
def make_circuit() -> Callable[..., Circuit]:
    return _make_circuit


@pytest.fixture(scope="session")
def circuit() -> Circuit:
    return _make_circuit(task="digits", accuracy=0.1)


@pytest.fixture(scope="session")
def model(circuit: Circuit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.lut"
    save(circuit, path)
    return path
