"""The engine in stages: pack samples once, run with any tables, read every row of bits, re-run only what changed.

Importing this loads compiled code.
"""

from lutsmith.circuit.engine.stages.evaluation import PackedEvaluation, RowChange
from lutsmith.circuit.engine.stages.packed import PackedSamples
from lutsmith.circuit.engine.stages.stages import Stages
from lutsmith.circuit.engine.stages.trials import Trials

__all__ = ["PackedEvaluation", "PackedSamples", "RowChange", "Stages", "Trials"]
