"""Grad-CAM: where on a radiograph a classifier finds evidence for a class.

Selvaraju et al., ICCV 2017; Report A, Figure 16.
"""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.DepthwiseConv2D)


def grad_cam(
    classifier: keras.Model,
    radiographs: NDArray[np.uint8],
    classes: NDArray[np.intp],
    *,
    batch_size: int = 8,
) -> NDArray[np.float32]:
    """Heatmaps of the evidence for one class per radiograph (Selvaraju et al., equations 1 and 2).

    The channels of the last convolution are weighted by the mean gradient of the class's score
    before the softmax. What is left above 0 is resized bilinearly.

    Args:
        classifier: flat model from grey radiographs (n, side, side, 1), 0-255, to a dense layer
            with softmax, or with a sigmoid of one unit. Classes 1 and 0 of a sigmoid have its
            logit, and minus its logit, as their score.
        radiographs: uint8 array (n, side, side).
        classes: for each radiograph, the position of the class to explain.
        batch_size: radiographs per pass.

    Returns:
        Array (n, side, side): 1 where a radiograph's evidence is strongest, down to 0. All are 0
        where nothing speaks for the class.

    Raises:
        ValueError: if the classifier has no convolution or another final layer, or does not know
            a class.
        NotImplementedError: if Keras runs on another backend than TensorFlow.
    """
    if keras.config.backend() != "tensorflow":
        raise NotImplementedError(
            f"Grad-CAM takes its gradients from TensorFlow; Keras runs on {keras.config.backend()}."
        )
    final = _final_layer(classifier)
    _check_classes(classifier, classes, len(radiographs))
    # Both ends of the gradient: the score is computed from what the final layer takes.
    ends = keras.Model(classifier.inputs[0], [last_convolution(classifier).output, final.input])
    heatmaps = np.empty(radiographs.shape, np.float32)
    for start in range(0, len(radiographs), batch_size):
        batch = slice(start, start + batch_size)
        coarse = _evidence(ends, final, radiographs[batch], classes[batch])
        heatmaps[batch] = [_fit_to(radiographs.shape[1:], heat) for heat in coarse]
    return heatmaps


def last_convolution(classifier: keras.Model) -> keras.Layer:
    """The last Conv2D, SeparableConv2D or DepthwiseConv2D of a classifier.

    Raises:
        ValueError: if none of the classifier's own layers is a convolution.
    """
    for layer in reversed(classifier.layers):
        if isinstance(layer, _CONVOLUTIONS):
            return layer
    raise ValueError(f"Model '{classifier.name}' has no convolution among its layers.")


def _final_layer(classifier: keras.Model) -> Any:
    final = classifier.layers[-1]
    activation = getattr(final, "activation", None)
    if isinstance(final, keras.layers.Dense) and (
        activation is keras.activations.softmax
        or (activation is keras.activations.sigmoid and final.units == 1)
    ):
        return final
    raise ValueError(
        f"The final layer '{final.name}' of model '{classifier.name}' is neither a dense softmax "
        "nor a dense sigmoid of one unit: there is no score of a class to explain."
    )


def _check_classes(classifier: keras.Model, classes: NDArray[np.intp], n: int) -> None:
    n_classes = max(2, classifier.layers[-1].units)  # a sigmoid's one unit tells two apart
    if classes.shape != (n,):
        raise ValueError(f"Grad-CAM got classes of shape {classes.shape} for {n} radiographs.")
    # On a GPU, TensorFlow would take the score of an unknown class for 0.
    if n and not (classes.min() >= 0 and classes.max() < n_classes):
        raise ValueError(
            f"Classes run from {classes.min()} to {classes.max()}, but model "
            f"'{classifier.name}' knows 0 to {n_classes - 1}."
        )


def _evidence(
    ends: keras.Model, final: Any, radiographs: NDArray[np.uint8], classes: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Weighted sum of the activations where it is positive, of the convolution's own size."""
    import tensorflow as tf  # type: ignore[import-untyped]

    pixels = tf.convert_to_tensor(radiographs[..., None].astype("float32"))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        # The tape keeps only what depends on something watched; frozen weights are not.
        tape.watch(pixels)
        activations, features = ends(pixels, training=False)
        scores = _scores(final, features)
        # No radiograph touches another's score, so the sum has the gradient of each.
        explained = tf.reduce_sum(tf.gather(scores, classes, axis=1, batch_dims=1))
    gradient = tape.gradient(explained, activations)
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * activations, axis=-1))
    return np.asarray(heat, dtype=np.float32)


def _scores(final: Any, features: Any) -> Any:
    """Score of each class before the softmax, (n, classes)."""
    scores = keras.ops.matmul(keras.ops.cast(features, final.kernel.dtype), final.kernel)
    if final.use_bias:
        scores = scores + final.bias
    return scores if final.units > 1 else keras.ops.concatenate([-scores, scores], axis=1)


def _fit_to(shape: tuple[int, ...], heat: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = shape
    resized = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    # After resizing: between the pixels of the convolution, the maximum would be below 1.
    peak = resized.max()
    return np.asarray(resized / peak if peak > 0 else resized, dtype=np.float32)
