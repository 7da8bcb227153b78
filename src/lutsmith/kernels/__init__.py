"""The hot loops, in four rooms: of training, of the engine, of netlists, and of additive learning.

`compiler.py`, `threads.py` and `vectors.py` serve all of them.
"""
