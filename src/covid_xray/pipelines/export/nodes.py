"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from typing import Any

from covid_xray.training.runs import KeptRuns

ClassWeights = dict[str, dict[str, float]]


def remove_resizing(classifiers: KeptRuns, class_weights: ClassWeights) -> dict[str, Any]:
    """Table 5's classifiers behind their resizing layer, whose antialiasing LiteRT does not have.

    Returns:
        Keras models by run, from grey radiographs (1, side, side, 1), 0-255 and already resized
        to the classifier's own side, to class probabilities.
    """
    from covid_xray.models.transfer_classifiers import without_resizing

    return {run: without_resizing(classifiers[run]) for run in class_weights}
