"""Classical classifiers on the features of a network's last convolution (Report B, Pistes)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from covid_xray.models.screening_classifiers import POOLING


def convolution_features(classifier: keras.Model) -> keras.Model:
    """The part of a screening classifier up to its pooled last convolution.

    Returns:
        A model from radiographs to one number per filter, (n, filters), that shares the
        classifier's layers.
    """
    features = classifier.get_layer(POOLING).output
    return keras.Model(classifier.inputs[0], features, name=f"{classifier.name}_features")


def classical_classifiers(seed: int) -> dict[str, Any]:
    """Untrained scikit-learn classifiers by name; classes weigh the same in each.

    Args:
        seed: of the forest and of the folds that calibrate the SVM.
    """
    balanced = {"class_weight": "balanced", "random_state": seed}
    # An SVM has no probabilities of its own: a sigmoid is fitted to its decisions (Platt, 1999).
    svm = CalibratedClassifierCV(SVC(**balanced), ensemble=False)
    return {
        "logistic_regression": make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=2000, **balanced)
        ),
        "svm": make_pipeline(StandardScaler(), svm),
        "random_forest": RandomForestClassifier(n_estimators=300, min_samples_leaf=2, **balanced),
    }


def probabilities_in_order(
    classifier: Any, features: NDArray[np.float32], classes: list[str]
) -> NDArray[np.float64]:
    """Class probabilities of a fitted scikit-learn classifier, in the given order of classes."""
    places = [list(classifier.classes_).index(name) for name in classes]
    probabilities = classifier.predict_proba(features)[:, places]
    # Single precision, which some give, stays as short when it is written beside double.
    decimals: NDArray[np.float64] = probabilities.astype(str).astype(np.float64)
    return decimals
