"""The loops of additive learning: which inputs and which table the next LUT of a vote gets. Never torch.

`naive.py` says what is computed, in plain NumPy; `growth.py` computes it on all cores, on packed rows;
tests/kernels/test_additive.py holds them together.
"""
