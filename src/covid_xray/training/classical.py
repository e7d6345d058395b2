"""Classical classifiers on the features of a network's last convolution (Report B, Pistes)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from covid_xray.models.screening_classifiers import POOLING


def convolution_features(classifier: keras.Model) -> keras.Model:
    """The part of a screening classifier up to its pooled last convolution.

    Returns:
        A model from radiographs to one number per filter, (n, filters), that shares the
        classifier's layers.
    """
    features = classifier.get_layer(POOLING).output
    return keras.Model(classifier.inputs[0], features, name=f"{classifier.name}_features")


def fit_classical_classifiers(
    features: NDArray[np.floating], labels: NDArray[np.str_], seed: int
) -> dict[str, Any]:
    """Fit scikit-learn's classifiers, with all classes of the same weight.

    Args:
        features: of the training radiographs, (n, features).
        labels: their classes, (n,).
        seed: of the forest and of the folds that calibrate the SVM.

    Returns:
        A logistic regression, a support-vector machine and a random forest, by name.
    """
    # An SVM has no probabilities of its own: a sigmoid is fitted to its decisions (Platt, 1999).
    # The sigmoid needs the weights as well, or it brings the classes' frequencies back.
    svm = CalibratedClassifierCV(SVC(random_state=seed), ensemble=False)
    # Leaves of two radiographs would be pure, and the weights without effect.
    forest = RandomForestClassifier(300, min_weight_fraction_leaf=0.01, random_state=seed)
    regression = LogisticRegression(max_iter=2000, random_state=seed)
    last = {"logistic_regression": regression, "svm": svm, "random_forest": forest}
    weights = compute_sample_weight("balanced", labels)
    return {
        name: Pipeline([("scaler", StandardScaler()), ("classifier", classifier)]).fit(
            features, labels, classifier__sample_weight=weights
        )
        for name, classifier in last.items()
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
