"""Export of circuits as hardware descriptions, programs and files of other tools: pure functions from a circuit to
text.

Names are loaded when they are first used; they and their types are in `__init__.pyi`. Never torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
