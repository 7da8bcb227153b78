"""Why a model of a table says what it says: its rules, one row explained, SHAP values, and scikit-learn's displays.

    python examples/why.py [FOLDER]

The folder gets two pictures. Needs `pip install 'lutsmith[sklearn]' shap matplotlib`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import shap
from sklearn.datasets import load_wine
from sklearn.inspection import PartialDependenceDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from lutsmith.sklearn import LUTClassifier

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = LUTClassifier(max_luts=60, random_state=0).fit(X_train, y_train)
print(f"accuracy: {model.score(X_test, y_test):.3f}, LUTs: {model.n_luts_}")

# The circuit itself: what would have to change for another answer, and how often answers change with each feature.
print(model.explain(X_test.iloc[:1]))
print(model.importances(X_test, y_test))

# SHAP: how much each feature moves the probability of each class, beside the rows of a background.
background = shap.maskers.Independent(X_train, max_samples=50)
explainer = shap.explainers.Permutation(
    lambda rows: model.predict_proba(pd.DataFrame(rows, columns=X.columns)), background, seed=0
)
values = explainer(X_test.iloc[:3], silent=True)
added = values.base_values + values.values.sum(axis=1)
print(f"SHAP values add up to the probabilities: {np.allclose(added, model.predict_proba(X_test.iloc[:3]))}")

# scikit-learn's displays take the model as any estimator.
ConfusionMatrixDisplay.from_estimator(model, X_test, y_test).figure_.savefig(folder / "confusion.png")
PartialDependenceDisplay.from_estimator(model, X_train, ["alcohol", "proline"], target=0).figure_.savefig(
    folder / "dependence.png"
)
