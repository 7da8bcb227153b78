"""The loops of search: what inverting a node does to the loss of each sample, and to the entries of its table; what
the next vote of a layer should say.

`naive.py` says what is computed, in plain NumPy; what computes it on packed rows is held to it:

    softmax     test_softmax: test_the_kernels_compute_what_plain_numpy_computes
    separate    test_separate: test_the_kernels_compute_what_plain_numpy_computes
    votes       test_greedy: test_the_kernels_of_votes_compute_what_plain_numpy_computes
"""
