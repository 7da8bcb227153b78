"""How often LUTs read each entry of their tables while a target is 0 or 1: what memorisation is made of. Never torch.

`naive.py` says what is computed, in plain NumPy; what computes it on packed rows is held to it:

    targets     test_counting: test_the_kernel_counts_what_plain_numpy_counts
"""
