"""The loops that change batches of images: maps between places of pixels. Never torch.

`naive.py` says what is computed, in plain NumPy; what computes it on parts of a batch is held to it, bit for bit:

    warp      test_image_kernels: test_images_are_bent_as_plain_numpy_bends_them
    tone      test_image_kernels: test_tones_change_as_plain_numpy_changes_them
    window    test_image_kernels: test_windows_are_cut_as_plain_numpy_cuts_them
"""
