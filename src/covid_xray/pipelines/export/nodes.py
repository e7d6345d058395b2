"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from typing import Any, TypeAlias

KerasModel: TypeAlias = Any


def without_resizing(classifier: KerasModel) -> KerasModel:
    """The classifier behind its resizing layer, whose antialiasing LiteRT does not have.

    Returns:
        A model from grey radiographs (1, side, side, 1), 0-255 and already resized to the
        classifier's own side, to class probabilities.
    """
    import keras

    resized = classifier.get_layer("resizing").output
    radiograph = keras.Input(batch_shape=(1, *resized.shape[1:]), name="resized_radiograph")
    behind = keras.Model(resized, classifier.outputs[0])
    return keras.Model(radiograph, behind(radiograph), name=classifier.name)
