"""Checks that exports of a circuit are the circuit: read back, proved, simulated."""

from lutsmith.hardware.verification.report import Check, Loss, Verification
from lutsmith.hardware.verification.verify import FORMATS, verify, verify_files

__all__ = ["FORMATS", "Check", "Loss", "Verification", "verify", "verify_files"]
