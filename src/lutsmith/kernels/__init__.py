"""The hot loops, and nothing else: of training (torch operations over Numba kernels) and of the engine."""
