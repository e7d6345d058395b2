"""What a model costs, against its own file and weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from covid_xray.models.costs import classical_cost, network_cost

RADIOGRAPHS = np.zeros((4, 8, 8, 1), np.float32)


class Clock:
    """A clock that a model turns on by so many seconds at each call."""

    def __init__(self, *seconds):
        self.now, self.seconds = 0.0, list(seconds)

    def __call__(self):
        return self.now


def network():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])


def test_a_networks_parameters_and_bytes_are_those_of_its_weights():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3000)]
    )
    cost = network_cost(model, RADIOGRAPHS)
    assert cost.parameters == 65 * 3000
    # Four bytes a weight, and little besides.
    assert 4 * cost.parameters < cost.file_bytes < 4 * cost.parameters + 20_000


def test_a_classical_classifiers_bytes_are_those_of_its_arrays():
    features = np.random.default_rng(0).normal(size=(20, 5))
    classifier = LogisticRegression().fit(features, features[:, 0] > 0)
    # Where it was fitted is no part of what it costs.
    classifier.origin = "a long story " * 100
    cost = classical_cost(classifier, features)
    # Five coefficients and an intercept of 8 bytes, two classes, and a count of 4 bytes.
    assert cost.file_bytes == 5 * 8 + 8 + 2 + 4
    assert cost.parameters == 0


class Slow(LogisticRegression):
    """A classifier whose every call takes the next of `seconds` by `clock`."""

    clock = Clock(9.0, 0.2, 0.4, 7.0, 0.4, 0.4)

    def predict_proba(self, X):  # noqa: N803
        self.clock.now += self.clock.seconds.pop(0)
        return super().predict_proba(X)


def test_time_is_the_median_call_after_the_first_shared_by_the_images(monkeypatch):
    # The first call compiles; one later call is slow by chance.
    monkeypatch.setattr("covid_xray.models.costs.time.perf_counter", Slow.clock)
    features = np.random.default_rng(0).normal(size=(8, 2))
    cost = classical_cost(Slow().fit(features, features[:, 0] > 0), features)
    assert cost.ms_per_image == pytest.approx(1000 * 0.4 / 8)
    assert Slow.clock.seconds == []
