"""The hot loops, and nothing else: reference (torch), cpu (Numba), bits (Numba), and the torch operations over them."""
