"""The operations of training: torch operators over Numba kernels, each beside its meaning in plain torch."""
