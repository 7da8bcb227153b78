"""The 1,797 handwritten digits of scikit-learn, embedded in the package: 8 x 8 pixels of 0 to 16, ten classes.

The arrays in `digits.npz` are `sklearn.datasets.load_digits()` as `train_test_split(test_size=0.2, random_state=0,
stratify=y)` splits and orders them, so that neither scikit-learn nor a network is needed to train on them. A test
compares them with scikit-learn's. Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
Learning Repository, 1998, doi:10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

from importlib import resources

import numpy as np

from lutsmith.data.dataset import Dataset


def load_digits() -> Dataset:
    """Return the digits: 1,437 training and 360 test images `(1, 8, 8)`, uint8 values 0 to 16."""
    file = resources.files("lutsmith.data.images") / "digits.npz"
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        return Dataset(
            x_train=held["x_train"][:, None],
            y_train=held["y_train"].astype(np.int64),
            x_test=held["x_test"][:, None],
            y_test=held["y_test"].astype(np.int64),
            classes=tuple(range(10)),
            name="digits",
        )
