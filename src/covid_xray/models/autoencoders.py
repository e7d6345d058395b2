"""Autoencoders of radiographs (Report A, section Réduction des dimensions, Annex 10).

The report gives the dense code's size (50), the loss (binary cross-entropy), 20 epochs and batches
of 256; layers and learning rates are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from covid_xray.models.settings import AutoencoderSettings

CODE = "code"


@dataclass(frozen=True)
class Autoencoder:
    """A trained autoencoder, in terms of radiographs.

    Attributes:
        model: Keras model from and to (n, side, side, 1), grey 0-1, with a layer named `code`.
    """

    model: keras.Model

    @property
    def side(self) -> int:
        """Height and width of the radiographs it takes, in pixels."""
        return int(self.model.input_shape[1])

    @property
    def code_length(self) -> int:
        """Numbers per radiograph in its code."""
        return math.prod(self.model.get_layer(CODE).output.shape[1:])

    @cached_property
    def _encoder(self) -> keras.Model:
        return keras.Model(self.model.inputs, self.model.get_layer(CODE).output)

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Codes, float32 array (n, code_length), of radiographs, uint8 array (n, side, side)."""
        codes: NDArray[np.float32] = self._encoder.predict_on_batch(as_input(pixels))
        return codes.reshape(len(pixels), -1)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Radiographs as their codes remember them, uint8 array (n, side, side)."""
        decoded = self.model.predict_on_batch(as_input(pixels))[..., 0]
        grey: NDArray[np.uint8] = np.rint(decoded * 255).astype(np.uint8)
        return grey


def build_autoencoder(settings: AutoencoderSettings, side: int) -> keras.Model:
    """Build an untrained autoencoder; the same settings give the same weights.

    Args:
        settings: architecture, layers, code and seed.
        side: height and width of its radiographs, in pixels.

    Returns:
        A model from and to float arrays (n, side, side, 1), grey 0-1; its code is the output of
        the layer `code`.

    Raises:
        ValueError: if a convolutional one can't halve `side` as often as it has layers.
    """
    keras.utils.set_random_seed(settings.seed)
    build = {"dense": _dense, "convolutional": _convolutional}[settings.architecture]
    pixels = keras.Input((side, side, 1), name="radiograph")
    return keras.Model(pixels, build(pixels, settings), name=f"{settings.architecture}_autoencoder")


def _dense(pixels: Any, settings: AutoencoderSettings) -> Any:
    layers = keras.layers
    side = pixels.shape[1]
    flow = layers.Flatten()(pixels)
    for units in settings.layers:
        flow = layers.Dense(units, activation="relu")(flow)
    flow = layers.Dense(settings.code, name=CODE)(flow)
    for units in reversed(settings.layers):
        flow = layers.Dense(units, activation="relu")(flow)
    flow = layers.Dense(side * side, activation="sigmoid")(flow)
    return layers.Reshape((side, side, 1))(flow)


def _convolutional(pixels: Any, settings: AutoencoderSettings) -> Any:
    layers = keras.layers
    halvings = 2 ** len(settings.layers)
    if pixels.shape[1] % halvings:
        raise ValueError(
            f"exploration.reduction.side is {pixels.shape[1]}, which {len(settings.layers)} "
            f"convolutional layers can't halve: make it a multiple of {halvings}."
        )
    flow = pixels
    for filters in settings.layers:
        flow = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(flow)
    flow = layers.Conv2D(settings.code, 3, padding="same", name=CODE)(flow)
    for filters in reversed(settings.layers):
        flow = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(
            flow
        )
    return layers.Conv2D(1, 3, padding="same", activation="sigmoid")(flow)


def as_input(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An autoencoder's input, grey 0-1, float32 (n, side, side, 1), of radiographs."""
    return pixels[..., None].astype(np.float32) / np.float32(255)
