import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import precision_recall_fscore_support

from covid_xray.evaluation.metrics import balance_classes, count_predictions, report_scores

CLASSES = ["COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"]
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
    scores = report_scores(confusion, covid=0)
    options = {"labels": CLASSES, "zero_division": 0}
    macro = precision_recall_fscore_support(labels, predicted, average="macro", **options)
    own = precision_recall_fscore_support(labels, predicted, **options)
    for name, average, per_class in zip(
        ("precision", "recall", "f1_score"), macro[:3], own[:3], strict=True
    ):
        assert scores[name] == pytest.approx(average)
        assert scores[f"{name}_covid"] == pytest.approx(per_class[0])


@given(confusions.filter(lambda c: (c.sum(axis=1) > 0).all()))
@settings(deadline=None, max_examples=50)
def test_balanced_scores_equal_scikit_learn_with_weights_of_one_over_n(confusion):
    labels, predicted = images_of(confusion)
    weights = [1 / labels.count(label) for label in labels]
    scores = report_scores(balance_classes(confusion), covid=0)
    precision, recall, f1_score, _ = precision_recall_fscore_support(
        labels, predicted, labels=CLASSES, sample_weight=weights, average="macro", zero_division=0
    )
    assert scores["precision"] == pytest.approx(precision)
    assert scores["recall"] == pytest.approx(recall)
    assert scores["f1_score"] == pytest.approx(f1_score)


def test_a_perfect_classifier_scores_one_and_a_blind_one_a_quarter():
    perfect = report_scores(balance_classes(np.diag([5, 9, 20, 3])), covid=0)
    assert all(score == 1 for score in perfect.values())
    always_normal = np.zeros((4, 4), dtype=int)
    always_normal[:, 2] = [5, 9, 20, 3]
    blind = report_scores(balance_classes(always_normal), covid=0)
    assert blind["recall"] == pytest.approx(0.25)
    assert blind["precision"] == pytest.approx(0.25 / 4)
    assert blind["recall_covid"] == 0


def test_scores_keep_leading_axes():
    stack = np.stack([np.diag([1, 2, 3, 4]), np.ones((4, 4), dtype=int)])
    scores = report_scores(stack, covid=0)
    assert scores["f1_score"].tolist() == pytest.approx([1.0, 0.25])
