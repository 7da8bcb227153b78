"""Networks of kernels, pools and joins are exported and verified as all circuits are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit.file import save
from lutsmith.cli import run
from lutsmith.hardware import verify
from lutsmith.nn import Architecture, build, to_circuit


@pytest.mark.needs("abc")
def test_a_network_of_stagesis_exported_and_verified(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 1, 6, 6), dtype=np.uint8)
    layers = [
        {"conv": 4, "padding": 1},
        {"pool": "or"},
        {"residual": [{"conv": 4, "window": 1, "rank": 2}], "gate": "learned"},
        {"parallel": [[{"pool": "majority", "stride": 1}], [{"conv": 2, "window": 2, "padding_mode": "ones"}]]},
    ]
    architecture = Architecture(luts=(12,), rank=4, bits=1, num_candidates=4, weight_init="random", layers=layers)
    circuit = to_circuit(build(architecture, x, 3).eval(), (1, 6, 6))
    save(circuit, tmp_path / "model.lut")
    for format_, name in (("verilog", "model.v"), ("c", "model.h")):
        assert run(["export", str(tmp_path / "model.lut"), "--format", format_, "-o", str(tmp_path)]) == 0
        assert (tmp_path / name).stat().st_size > 10_000
    for format_, stages in (("verilog", ("read-back", "formal")), ("c", ("read-back", "simulation"))):
        found = verify(circuit, (format_,), layers=stages, timeout=120)
        assert found.ok, str(found)
