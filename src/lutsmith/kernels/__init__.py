"""The hot loops, in three rooms: of training, of the engine, and of netlists; `compiler.py` serves all of them."""
