"""Small data for estimators."""

import numpy as np
import pandas as pd


def moons(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    return x, np.where(x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=rows) > 0, "in", "out")


def people(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, rows).astype(float),
            "city": rng.choice(["Zürich", "Bern", "Basel"], rows),
            "member": rng.random(rows) < 0.5,
        }
    )
    wanted = np.where((frame["age"] > 50) & (frame["city"] == "Bern"), "yes", "no")
    frame.loc[rng.random(rows) < 0.1, "age"] = np.nan
    return frame, wanted
