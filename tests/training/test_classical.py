"""Classical classifiers on the features of a last convolution."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.stats import norm

from covid_xray.models.screening_classifiers import build_separable_cnn
from covid_xray.models.settings import SeparableCNNSettings
from covid_xray.training.classical import (
    convolution_features,
    fit_classical_classifiers,
    probabilities_in_order,
)

NAMES = ["logistic_regression", "svm", "random_forest"]
LABELS = np.repeat(["COVID", "non-COVID"], [20, 60])
FEATURES = (
    np.random.default_rng(3).normal(size=(80, 4)) + np.where(LABELS == "COVID", 2, 0)[:, None]
)


def test_features_are_the_mean_of_each_filter_of_the_last_convolution():
    settings = SeparableCNNSettings(filters=[4, 6], dense=8, dropout=0.5)
    cnn = build_separable_cnn(settings, n_classes=2, input_side=16, seed=0)
    radiographs = np.random.default_rng(1).uniform(0, 255, (3, 16, 16, 1)).astype(np.float32)
    last = keras.Model(cnn.inputs, cnn.get_layer("block2_2_relu").output)
    maps = last.predict_on_batch(radiographs)
    features = convolution_features(cnn).predict_on_batch(radiographs)
    np.testing.assert_allclose(features, maps.mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_each_learns_to_tell_groups_apart_and_repeats_with_its_seed(name):
    one, again = (fit_classical_classifiers(FEATURES, LABELS, 5)[name] for _ in range(2))
    classes = ["non-COVID", "COVID"]  # not scikit-learn's order
    probabilities = probabilities_in_order(one, FEATURES, classes)
    predicted = np.array(classes)[probabilities.argmax(axis=1)]
    assert (predicted == LABELS).mean() > 0.95
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities_in_order(again, FEATURES, classes), probabilities)


def overlapping(n, share, seed):
    """Features of two normal distributions 1.5 apart, and so large a share of COVID."""
    rng = np.random.default_rng(seed)
    is_covid = rng.random(n) < share
    labels = np.where(is_covid, "COVID", "non-COVID")
    return rng.normal(size=(n, 1)) + 1.5 * is_covid[:, None], labels


@pytest.mark.parametrize(("name", "margin"), zip(NAMES, (0.05, 0.06, 0.08), strict=True))
def test_rare_covid_is_found_as_often_as_bayes_rule_finds_it(name, margin):
    """Half-way between the means where classes weigh the same; counting would find 14 %."""
    classifier = fit_classical_classifiers(*overlapping(1500, 0.1, 0), seed=1)[name]
    features, labels = overlapping(20_000, 0.5, 1)
    probabilities = probabilities_in_order(classifier, features, ["COVID", "non-COVID"])
    found = probabilities[:, 0] > 0.5
    bayes = norm.cdf(0.75)
    assert found[labels == "COVID"].mean() == pytest.approx(bayes, abs=margin)
    assert found[labels != "COVID"].mean() == pytest.approx(1 - bayes, abs=margin)
