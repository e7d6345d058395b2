"""The two classifiers of Report B: a small separable CNN, and a truncated Xception.

Both take grey radiographs of any size, 0-255, and give class probabilities; they are flat models
of Keras's own layers, so Grad-CAM explains them and their files need nothing of this project.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from covid_xray.models.backbone import WeightsError
from covid_xray.models.settings import (
    ScreeningNetworkSettings,
    SeparableCNNSettings,
    TruncatedBackboneSettings,
)
from covid_xray.models.transfer_classifiers import build_backbone, freeze_all_but

POOLING = "pooling"
"""Name of the layer that gives one number per filter of the last convolution."""


def build_screening_classifier(
    architecture: str, n_classes: int, networks: ScreeningNetworkSettings
) -> keras.Model:
    """One of the two classifiers, by the name of its architecture: `cnn` or `xception`.

    Raises:
        WeightsError: see `build_truncated_backbone`.
    """
    sizes = {"n_classes": n_classes, "input_side": networks.input_side, "seed": networks.seed}
    if architecture == "cnn":
        return build_separable_cnn(networks.cnn, **sizes)
    weights = None if networks.weights == "none" else networks.weights
    return build_truncated_backbone(networks.xception, **sizes, weights=weights)


def build_separable_cnn(
    settings: SeparableCNNSettings, *, n_classes: int, input_side: int, seed: int
) -> keras.Model:
    """Report B's model "from scratch": doubled separable convolutions, 16 to 128 filters.

    The report gives the filters and the count of about 70,000 trainable parameters; a dense layer
    of 256 units behind global average pooling makes up that count.

    Args:
        settings: filters and head.
        n_classes: number of classes of the softmax output.
        input_side: side to which radiographs are resized inside the model, in pixels.
        seed: seed of the weights and of dropout.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    radiograph = keras.Input((None, None, 1), name="radiograph")
    flow = layers.Resizing(input_side, input_side, antialias=True, name="resizing")(radiograph)
    flow = layers.Rescaling(1 / 255, name="preprocessing")(flow)
    for block, filters in enumerate(settings.filters, start=1):
        for position in (1, 2):
            flow = _separable_convolution(flow, filters, f"block{block}_{position}")
        if block < len(settings.filters):
            flow = layers.MaxPooling2D(name=f"block{block}_halved")(flow)
    probabilities = _head(flow, settings.dense, settings.dropout, n_classes, seed)
    return keras.Model(radiograph, probabilities, name="separable_cnn")


def build_truncated_backbone(
    settings: TruncatedBackboneSettings,
    *,
    n_classes: int,
    input_side: int,
    weights: str | Path | None,
    seed: int,
) -> keras.Model:
    """Report B's model "finetuned": Xception up to its 45th layer under separable convolutions.

    The kept layers' batch normalisation stays in inference mode, whatever is trained.

    Args:
        settings: where the backbone is cut, what of it is trained, and the head.
        n_classes: number of classes of the softmax output.
        input_side: side to which radiographs are resized inside the model, in pixels.
        weights: `imagenet` (downloaded by Keras), a folder of `<name>_notop.weights.h5`, or
            None for random weights.
        seed: seed of every weight that is not loaded, and of dropout.

    Raises:
        WeightsError: if the architecture is unknown, has no such layer, or its weights are
            missing or do not fit.
    """
    keras.utils.set_random_seed(seed)
    radiograph, backbone = build_backbone(settings.architecture, input_side, weights)
    kept = keras.Model(radiograph, _cut_output(backbone, settings))
    freeze_all_but(kept.layers, settings.trainable_layers)
    # Batch normalisation stays as it was pre-trained: a small study has too few steps for its
    # moving averages to follow other batches, and then a model predicts badly.
    for layer in kept.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    flow = kept.output
    for position, filters in enumerate(settings.filters, start=1):
        flow = _separable_convolution(flow, filters, f"head_{position}")
    probabilities = _head(flow, settings.dense, settings.dropout, n_classes, seed)
    name = f"truncated_{settings.architecture.lower()}"
    return keras.Model(radiograph, probabilities, name=name)


def _cut_output(backbone: keras.Model, settings: TruncatedBackboneSettings) -> Any:
    # The application's own input stands where our preprocessing does.
    names = [layer.name for layer in backbone.layers]
    layers = backbone.layers[names.index("preprocessing") :]
    if settings.cut_layer >= len(layers):
        raise WeightsError(
            f"{settings.architecture} has no layer {settings.cut_layer}: its last one is "
            f"{len(layers) - 1} (screening.xception.cut_layer)."
        )
    return layers[settings.cut_layer].output


def _separable_convolution(flow: Any, filters: int, name: str) -> Any:
    layers = keras.layers
    flow = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(flow)
    # A quicker average than Keras's 0.99, for trainings of a few hundred steps.
    flow = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalised")(flow)
    return layers.Activation("relu", name=f"{name}_relu")(flow)


def _head(flow: Any, dense: int, dropout: float, n_classes: int, seed: int) -> Any:
    layers = keras.layers
    flow = layers.GlobalAveragePooling2D(name=POOLING)(flow)
    flow = layers.Dense(dense, activation="relu", name="head_dense")(flow)
    flow = layers.Dropout(dropout, seed=seed, name="head_dropout")(flow)
    return layers.Dense(n_classes, activation="softmax", name="probabilities")(flow)
