"""How circuits predict: 1,024 samples at a time on all cores, one at once, or streams larger than memory.

Importing this loads no compiled code: `engine.py` does, when there is enough to do for it.
"""

from lutsmith.circuit.engine.engine import Engine

__all__ = ["Engine"]
