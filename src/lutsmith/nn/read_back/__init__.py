"""The way back: comparing what a circuit holds with the model that it was lowered from."""

from __future__ import annotations

from lutsmith.nn.read_back.proof import prove_lowering
from lutsmith.nn.read_back.report import LoweringProof, ModuleProof

__all__ = ["LoweringProof", "ModuleProof", "prove_lowering"]
