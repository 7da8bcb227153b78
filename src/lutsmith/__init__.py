"""lutsmith: train networks of look-up tables, turn them into circuits, predict from one small file.

Names are loaded when they are first used: `import lutsmith` imports neither torch nor numba, and loading a model file
and predicting with it never imports torch. The names and their types stand in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
