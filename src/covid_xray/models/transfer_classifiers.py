"""Pre-trained backbones, their own preprocessing, and the classifiers built on them.

A classifier takes rows of `images` as they are, grey 0-255 of any size: resizing, the three
channels and the backbone's preprocessing are layers of the model, made of Keras's own, so a
saved model needs nothing of this project.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from covid_xray.models.backbone import WeightsError, missing_weights, weights_file


def build_classifier(
    architecture: str,
    *,
    trainable_layers: int,
    head: Sequence[Mapping[str, float]],
    n_classes: int,
    input_side: int,
    weights: str | Path | None,
    seed: int,
) -> keras.Model:
    """A transfer classifier: a backbone, frozen but for its last layers, under a dense head.

    Args:
        architecture: name of a model in `keras.applications`.
        trainable_layers: number of the backbone's last layers that stay trainable; with 0 the cut
            lies behind the pooling, and only the head is trained.
        head: layers between global average pooling and the output, each `{dense: units}` or
            `{dropout: rate}`.
        n_classes: number of classes of the softmax output.
        input_side: side to which radiographs are resized inside the model, in pixels.
        weights: `imagenet` (downloaded by Keras), a folder of `<name>_notop.weights.h5`, or
            None for random weights.
        seed: seed of every weight that is not loaded, and of dropout.

    Raises:
        WeightsError: if the architecture is unknown, or its weights are missing or do not fit.
    """
    keras.utils.set_random_seed(seed)
    radiograph, backbone = build_backbone(architecture, input_side, weights)
    pooling = keras.layers.GlobalAveragePooling2D(name="pooling", trainable=trainable_layers > 0)
    freeze_all_but(backbone.layers, trainable_layers)
    features = pooling(backbone.outputs[0])
    for position, layer in enumerate(head, start=1):
        features = _head_layer(layer, position, seed)(features)
    probabilities = keras.layers.Dense(n_classes, activation="softmax", name="probabilities")
    return keras.Model(radiograph, probabilities(features), name=architecture.lower())


def known_architectures() -> list[str]:
    """Names of the models in `keras.applications`."""
    return [name for name in dir(keras.applications) if name[0].isupper()]


def _preprocessing(architecture: str) -> Any:
    """What the application's own `preprocess_input` does to grey pixels in 0-255, as a layer.

    It scales and shifts each channel, so black and white say it all; a reversal of the channels
    (Caffe's networks want blue first) shows only in their shifts, as all three are the same grey.
    """
    application = sys.modules[getattr(keras.applications, architecture).__module__]
    greys = np.repeat([[[0.0], [255.0]]], 3, axis=2)
    black, white = application.preprocess_input(greys)[0]
    scale = (white - black) / 255
    return keras.layers.Rescaling(scale.tolist(), black.tolist(), name="preprocessing")


def build_backbone(
    architecture: str, input_side: int, weights: str | Path | None
) -> tuple[Any, keras.Model]:
    """A backbone without its top, behind resizing, three channels and its own preprocessing.

    Args:
        architecture: name of a model in `keras.applications`.
        input_side: side to which radiographs are resized, in pixels.
        weights: `imagenet`, a folder of `<name>_notop.weights.h5`, or None for random weights.

    Returns:
        The input for grey radiographs of any size, 0-255, and the flat model on it. Its layer
        `preprocessing` stands where the bare application has its input.

    Raises:
        WeightsError: if the architecture is unknown, or its weights are missing or do not fit.
    """
    if architecture not in known_architectures():
        raise WeightsError(
            f"Unknown backbone '{architecture}'; keras.applications has "
            f"{', '.join(known_architectures())}."
        )
    radiograph = keras.Input((None, None, 1), name="radiograph")
    resized = keras.layers.Resizing(input_side, input_side, antialias=True, name="resizing")
    grey = resized(radiograph)
    rgb = keras.layers.Concatenate(name="rgb")([grey, grey, grey])
    pixels = _preprocessing(architecture)(rgb)
    if weights == "imagenet":
        return radiograph, _with_imagenet(architecture, pixels)
    application = getattr(keras.applications, architecture)
    backbone = application(include_top=False, weights=None, input_tensor=pixels)
    if weights is not None:
        _load_weights(backbone, architecture, Path(weights))
    return radiograph, backbone


def _with_imagenet(architecture: str, pixels: Any) -> keras.Model:
    """A backbone with the weights that Keras keeps in its cache, or else downloads."""
    application = getattr(keras.applications, architecture)
    try:
        return application(include_top=False, weights="imagenet", input_tensor=pixels)
    except Exception as error:  # network and file system: Keras raises a bare Exception as well
        name = weights_file(architecture, "").name
        raise WeightsError(
            f"ImageNet weights of {architecture} can't be had ({error}). Connect to the internet, "
            f"or put {name} into a folder and type --params weights=FOLDER."
        ) from error


def _load_weights(backbone: keras.Model, architecture: str, folder: Path) -> None:
    path = weights_file(architecture, folder)
    if not path.is_file():
        raise missing_weights(path)
    application = getattr(keras.applications, architecture)
    # The file was saved from the bare application: load it there, then copy layer by layer, because
    # the layers we put in front of the backbone are no part of it. Names would not do: Keras
    # numbers the unnamed ones anew in every model.
    bare = application(include_top=False, weights=None, input_shape=(224, 224, 3))
    try:
        with warnings.catch_warnings():
            # Keras only warns when it finds no weights for a layer, and leaves it random.
            warnings.simplefilter("error")
            bare.load_weights(path)
    except Exception as error:  # h5py, shape and layer-count errors come in many kinds
        raise WeightsError(f"{path} does not hold weights of {architecture}: {error}") from error
    copy_weights(layers_with_weights(bare), layers_with_weights(backbone))


def copy_classifier(classifier: keras.Model) -> keras.Model:
    """A classifier of the same layers and weights that shares none of them."""
    copy = keras.models.clone_model(classifier)
    copy_weights(layers_with_weights(classifier), layers_with_weights(copy))
    return copy


def layers_with_weights(model: keras.Model) -> list[Any]:
    """The layers of a model that have weights, in their order."""
    return [layer for layer in model.layers if layer.weights]


def copy_weights(sources: Sequence[Any], targets: Sequence[Any]) -> None:
    """Give layers the weights of as many others, of the same kinds in the same order."""
    for source, target in zip(sources, targets, strict=True):
        # As from a file: `set_weights` would leave a Normalization at its old mean and variance.
        store: dict[str, Any] = {}
        source.save_own_variables(store)
        target.load_own_variables(store)


def freeze_all_but(layers: Sequence[Any], trainable_layers: int) -> None:
    """Freeze all layers but the last few.

    Raises:
        WeightsError: if there are fewer layers than shall stay trainable.
    """
    if trainable_layers > len(layers):
        raise WeightsError(
            f"trainable_layers is {trainable_layers}, of a backbone of {len(layers)} layers"
        )
    for layer in layers[: len(layers) - trainable_layers]:
        layer.trainable = False


def _head_layer(layer: Mapping[str, float], position: int, seed: int) -> Any:
    ((kind, value),) = layer.items()
    name = f"head_{position}_{kind}"
    if kind == "dense":
        return keras.layers.Dense(int(value), activation="relu", name=name)
    return keras.layers.Dropout(value, seed=seed, name=name)


def count_trainable_parameters(model: keras.Model) -> int:
    """Number of trainable weights, as Report A's Table 5 counts them."""
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))


def without_resizing(classifier: keras.Model) -> keras.Model:
    """A classifier behind its resizing layer.

    Returns:
        A model from grey radiographs (1, side, side, 1), 0-255 and already resized to the
        classifier's own side, to class probabilities.
    """
    resized = classifier.get_layer("resizing").output
    radiograph = keras.Input(batch_shape=(1, *resized.shape[1:]), name="resized_radiograph")
    behind = keras.Model(resized, classifier.outputs[0])
    return keras.Model(radiograph, behind(radiograph), name=classifier.name)
