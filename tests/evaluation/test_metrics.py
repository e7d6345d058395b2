import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import precision_recall_fscore_support

from covid_xray.evaluation.metrics import balance_classes, count_predictions, scores_by_class

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
NAMES = ("precision", "recall", "f1_score")
confusions = arrays.arrays(np.int64, (4, 4), elements=st.integers(0, 30))


def images_of(confusion):
    """Labels and predictions that a confusion matrix counts, image by image."""
    pairs = [
        (CLASSES[i], CLASSES[j]) for i in range(4) for j in range(4) for _ in range(confusion[i, j])
    ]
    return [true for true, _ in pairs], [predicted for _, predicted in pairs]


@given(confusions)
@settings(deadline=None, max_examples=50)
def test_counting_gives_the_matrix_back(confusion):
    labels, predicted = images_of(confusion)
    if labels:
        np.testing.assert_array_equal(count_predictions(labels, predicted, CLASSES), confusion)


@given(confusions.filter(lambda c: (c.sum(axis=1) > 0).all()))
@settings(deadline=None, max_examples=50)
def test_natural_scores_equal_scikit_learn(confusion):
    labels, predicted = images_of(confusion)
    scores = scores_by_class(confusion)
    options = {"labels": CLASSES, "zero_division": 0}
    expected = precision_recall_fscore_support(labels, predicted, **options)
    for name, values in zip(NAMES, expected[:3], strict=True):
        assert scores[name] == pytest.approx(values)


@given(confusions.filter(lambda c: (c.sum(axis=1) > 0).all()))
@settings(deadline=None, max_examples=50)
def test_balanced_scores_equal_weights_of_one_over_n(confusion):
    labels, predicted = images_of(confusion)
    weights = [1 / labels.count(label) for label in labels]
    scores = scores_by_class(balance_classes(confusion))
    expected = precision_recall_fscore_support(
        labels, predicted, labels=CLASSES, sample_weight=weights, zero_division=0
    )
    for name, values in zip(NAMES, expected[:3], strict=True):
        assert scores[name] == pytest.approx(values)


def test_a_perfect_and_a_blind_classifier():
    perfect = scores_by_class(balance_classes(np.diag([5, 9, 20, 3])))
    assert all((score == 1).all() for score in perfect.values())
    always_normal = np.zeros((4, 4), dtype=int)
    always_normal[:, 2] = [5, 9, 20, 3]
    blind = scores_by_class(balance_classes(always_normal))
    assert blind["recall"].tolist() == [0, 0, 1, 0]
    assert blind["precision"].mean() == pytest.approx(0.25 / 4)


def test_scores_keep_leading_axes():
    stack = np.stack([np.diag([1, 2, 3, 4]), np.ones((4, 4), dtype=int)])
    f1_score = scores_by_class(stack)["f1_score"]
    assert f1_score.shape == (2, 4)
    assert f1_score.mean(axis=-1).tolist() == pytest.approx([1.0, 0.25])
