"""A teacher: an estimator of scikit-learn whose opinions of training rows are learned beside their targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from lutsmith.additive.folds import parts_of
from lutsmith.additive.opinions import Teacher
from lutsmith.data.tables.frames import is_frame
from lutsmith.ground.arguments import number

FOLDS = 5
"""Teachers that are fitted to rows, each without a part that it is asked about then."""


def check_teacher(teacher: Any, weight: Any, *, numbers: bool) -> None:
    """Raise an error where a teacher or its weight is not valid.

    Args:
        teacher: the teacher, or None.
        weight: the share of the loss that comes from its opinions.
        numbers: whether it has to predict numbers; else classes or labels.

    Raises:
        TypeError: no estimator, or one of another kind.
        ValueError: a weight that is not a share.
    """
    number("teacher_weight", weight, lambda x: 0 <= x <= 1, "a share, 0 to 1")
    if teacher is None:
        return
    wanted = "predict" if numbers else "predict_proba"
    kind = "a regressor with fit and predict" if numbers else "a classifier with fit and predict_proba"
    if isinstance(teacher, type):
        raise TypeError(f"teacher is the class {teacher.__name__}; expected an estimator: {teacher.__name__}()")
    if not (hasattr(teacher, "fit") and hasattr(teacher, "get_params") and hasattr(teacher, wanted)):
        raise TypeError(f"teacher is {_brief(teacher)}; expected an estimator of scikit-learn, {kind}")
    if numbers and is_classifier(teacher):
        raise TypeError(f"teacher is {_brief(teacher)}, which predicts classes; expected {kind}")


def make_teacher(
    teacher: Any,
    X: Any,
    y: NDArray[Any],
    weights: NDArray[np.float64],
    alike: NDArray[np.int64],
    *,
    classes: NDArray[Any] | None = None,
    labels: bool = False,
    seed: int = 0,
) -> Teacher:
    """Return the function that gives a teacher's answers for rows.

    A fitted teacher is used as it is. Of a teacher that is not fitted, `FOLDS` copies are fitted, each without a part
    of the rows, and answer for that part: no copy has seen the target of a row that it answers. They are fitted only to
    the rows that are asked about together, so held-out rows stay unknown to them too.

    Args:
        teacher: the estimator, which is not changed.
        X: its N rows, as it is to see them.
        y: the targets, (N,) or (N, K), as it is to see them.
        weights: float64 (N,), how much rows count: for teachers whose `fit` takes `sample_weight`.
        alike: int64 (N,), equal for rows whose features are equal: they are in one part.
        classes: (K,) of a classifier, ascending; None: numbers, or labels.
        labels: whether it tells several labels.
        seed: of the parts, and of teachers without a `random_state`.
    """
    say = _says(classes, labels)
    try:
        check_is_fitted(teacher)
    except NotFittedError:
        pass
    else:
        told = getattr(teacher, "classes_", None)
        if classes is not None and (told is None or not np.array_equal(np.asarray(told), classes)):
            raise ValueError(
                f"the teacher predicts the classes {_brief(np.asarray(told).tolist())}, and y holds "
                f"{_brief(classes.tolist())}: expected the same"
            )
        everything: list[NDArray[np.float64]] = []

        def answer(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            if not everything:
                everything.append(say(teacher, X))
            return everything[0][rows]

        return answer

    own = clone(teacher)
    own.set_params(**{
        name: seed % (1 << 32)
        for name, value in own.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    })  # fmt: skip
    weighed = has_fit_parameter(own, "sample_weight")
    known: dict[bytes, NDArray[np.float64]] = {}

    def learned(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        _, first, group = np.unique(alike[rows], return_index=True, return_inverse=True)
        if len(first) < 2:
            raise ValueError("all rows are equal: a teacher that is not fitted needs two that differ, to leave one out")
        kinds = np.searchsorted(classes, y[rows][first]) if classes is not None else np.zeros(len(first), np.int64)
        parts = parts_of(kinds, min(FOLDS, len(first)), seed)[group.ravel()]
        found: NDArray[np.float64] | None = None
        for part in range(parts.max() + 1):
            left, others = rows[parts == part], rows[parts != part]
            if classes is not None and len(one := np.unique(y[others])) == 1:  # which no classifier learns from
                said = np.repeat((classes == one)[None].astype(np.float64), len(left), axis=0)
            else:
                model = clone(own)
                more = {"sample_weight": weights[others]} if weighed else {}
                try:
                    model.fit(taken(X, others), y[others], **more)
                except Exception as error:
                    error.add_note(
                        f"teacher={_brief(teacher)} was fitted to {len(others)} rows for its opinion of others"
                    )
                    raise
                said = say(model, taken(X, left))
            if found is None:
                found = np.zeros((len(rows), said.shape[1]))
            found[parts == part] = said
        assert found is not None
        return found

    def answer_of_learned(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        key = rows.tobytes()
        if key not in known:
            known[key] = learned(rows)
        return known[key]

    return answer_of_learned


def _says(classes: NDArray[Any] | None, labels: bool) -> Callable[[Any, Any], NDArray[np.float64]]:
    """What reads the answers of a fitted estimator, (n, K)."""

    def of_classes(model: Any, X: Any) -> NDArray[np.float64]:
        assert classes is not None
        said = np.asarray(model.predict_proba(X), np.float64)
        found = np.zeros((len(said), len(classes)))
        found[:, np.searchsorted(classes, model.classes_)] = said
        return found

    def of_labels(model: Any, X: Any) -> NDArray[np.float64]:
        said = model.predict_proba(X)
        if not isinstance(said, list):
            return np.asarray(said, np.float64)
        columns = []  # of each label, whose values have probabilities
        for each, values in zip(said, model.classes_, strict=True):
            columns.append(np.asarray(each, np.float64)[:, np.asarray(values) == 1].sum(axis=1))
        return np.stack(columns, axis=1)

    def of_numbers(model: Any, X: Any) -> NDArray[np.float64]:
        said = np.asarray(model.predict(X), np.float64)
        return said[:, None] if said.ndim == 1 else said

    return of_classes if classes is not None else of_labels if labels else of_numbers


def taken(X: Any, rows: NDArray[np.int64]) -> Any:
    """Return some rows of what holds features, by their places."""
    if not is_frame(X):
        return np.asarray(X)[rows]
    return X.take(rows) if hasattr(X, "column_names") else _safe_indexing(X, rows)


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
