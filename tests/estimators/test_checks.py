"""scikit-learn's own checks of estimators, none of which is excused."""

import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from lutsmith.sklearn import LUTClassifier, LUTRegressor, ThermometerEncoder


@pytest.mark.slow
@parametrize_with_checks([
    LUTClassifier(max_luts=60, random_state=0), LUTRegressor(max_luts=60, random_state=0), ThermometerEncoder(),
    LUTClassifier(n_estimators=3, max_luts=60, random_state=0, teacher=DecisionTreeClassifier(max_depth=3)),
    LUTRegressor(n_estimators=3, max_luts=60, random_state=0, teacher=DecisionTreeRegressor(max_depth=3)),
])  # fmt: skip
def test_scikit_learn_finds_nothing(estimator, check):
    check(estimator)


def test_tags_say_what_estimators_take():
    from sklearn.utils import get_tags

    told = get_tags(LUTClassifier())
    assert told.input_tags.allow_nan
    assert told.classifier_tags.multi_label
    assert told.target_tags.multi_output
    assert get_tags(LUTRegressor()).target_tags.multi_output
    assert not get_tags(ThermometerEncoder()).requires_fit or get_tags(ThermometerEncoder()).input_tags.allow_nan
