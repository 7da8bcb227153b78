"""The loops of additive learning: which inputs and which table the next LUT of a vote gets. Never torch.

`naive.py` says what is computed, in plain NumPy; what computes it on packed rows is held to it:

    growth      test_additive: test_the_kernel_grows_what_plain_numpy_grows
    closure     test_closure: test_the_kernel_finds_the_table_of_the_minimum_cut
    thinning    test_additive: test_few_samples_stand_for_all
    luts        test_additive: test_a_lut_says_of_words_what_it_says_of_bits
    softmax     test_additive: test_gains_are_what_the_loss_falls_by
"""
