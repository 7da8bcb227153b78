"""The loops of additive learning: which inputs and which table the next LUT of a vote gets. Never torch.

`naive.py` says what is computed, in plain NumPy; what computes it on packed rows, on all cores, is held to it:

    growth      test_additive: test_the_kernel_grows_what_plain_numpy_grows
"""
