"""The hot loops, in five rooms: of training, of the engine, of netlists, and of additive learning.

`compiler.py`, `threads.py` and `vectors.py` serve all of them.
"""
