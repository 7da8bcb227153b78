"""The hot loops, in six rooms: of training, the engine, netlists, additive learning, images, and shared cells.

`compiler.py`, `threads.py` and `vectors.py` serve all of them.
"""
