"""Transfer classifiers at a size that a test can afford."""

import keras
import numpy as np

from covid_xray.models.backbone import BACKBONES
from covid_xray.models.batch_norm import calibrate_batch_norm
from covid_xray.models.transfer_classifiers import build_classifier

# Trainable parameters of Report A's Table 5.
PUBLISHED = {
    "MobileNet": 2_659_076,
    "EfficientNetB0": 741_124,
    "ResNet50V2": 8_144_388,
    "VGG19": 2_361_860,
}
_OF_ARCHITECTURE = {backbone.keras_name: backbone for backbone in BACKBONES}


def build(architecture, weights=None, input_side=32, seed=1, **options):
    """A classifier of Table 5, with random weights unless a folder is given."""
    backbone = _OF_ARCHITECTURE[architecture]
    settings = {"trainable_layers": backbone.trainable_layers, "head": backbone.head} | options
    return build_classifier(
        architecture, n_classes=4, input_side=input_side, weights=weights, seed=seed, **settings
    )


def build_calibrated(architecture, **options):
    """A classifier whose random trunk passes a signal that is worth comparing."""
    model = build(architecture, **options)
    images = np.random.default_rng(1).integers(0, 256, (16, 32, 32)).astype(np.uint8)
    calibrate_batch_norm(model, images)
    return model


def build_tiny(side=16, frozen=5, units=8, n_classes=4, seed=1):
    """A classifier with every kind of layer that Table 5's have, built in a moment.

    Its 11 layers: input, resizing, convolution, normalisation, activation (frozen unless said
    otherwise), convolution, normalisation, pooling, dense, dropout and output.
    """
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    radiograph = keras.Input((None, None, 1))
    features = radiograph
    for layer in (
        layers.Resizing(side, side, name="resizing"),
        layers.Conv2D(4, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Conv2D(4, 3, padding="same"),
        layers.BatchNormalization(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(units, activation="relu"),
        layers.Dropout(0.5, seed=seed),
        layers.Dense(n_classes, activation="softmax"),
    ):
        features = layer(features)
    model = keras.Model(radiograph, features, name="tiny")
    for layer in model.layers[:frozen]:
        layer.trainable = False
    return model
