"""Whether two netlists, or two circuits, are the same function: tried, and proved by ABC."""

from lutsmith.hardware.equivalence.equality import prove
from lutsmith.hardware.equivalence.proof import TIMEOUT, Proof, Verdict

__all__ = ["TIMEOUT", "Proof", "Verdict", "prove"]
