"""Estimators for scikit-learn: they are trained like its own, and each holds a circuit. Extra `sklearn`."""

from lutsmith.sklearn.classifier import LUTClassifier
from lutsmith.sklearn.encoder import ThermometerEncoder
from lutsmith.sklearn.regressor import LUTRegressor

__all__ = ["LUTClassifier", "LUTRegressor", "ThermometerEncoder"]
