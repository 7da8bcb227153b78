"""Netlists as other tools write them: BLIF and AIGER, and LUTNets' own. NumPy only, never torch.

Names are loaded when they are first used; they and their types are in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
