"""Settings of networks, apart from the networks: reading them loads no Keras."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from covid_xray.imaging.augmentation import Augmentation
from covid_xray.parameters import StrictParameters


class AutoencoderSettings(StrictParameters):
    """Architecture and training of an autoencoder (Report A, section Réduction des dimensions).

    Attributes:
        architecture: `dense` or `convolutional`.
        layers: of the encoder, mirrored by the decoder: units of each dense layer, or filters of
            each convolution, which halves the side.
        code: numbers in a dense code; channels of a convolutional one.
        learning_rate: Adam's learning rate.
        batch_size: radiographs per step.
        epochs: number of epochs.
        seed: seed of weights and shuffling.
    """

    architecture: Literal["dense", "convolutional"]
    layers: list[Annotated[int, Field(ge=1)]]
    code: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    seed: int = Field(ge=0)


class UNetSettings(StrictParameters):
    """Architecture and training of the U-Net (Report B).

    Attributes:
        filters: filters of each level, the deepest last.
        learning_rate: Adam's highest learning rate.
        batch_size: pairs per step.
        epochs: largest number of epochs.
        patience: epochs without a better validation Dice before training stops.
        augmentation: how far a training pair is moved.
        seed: seed of weights, shuffling and augmentation.
    """

    filters: list[Annotated[int, Field(ge=1)]] = Field(min_length=2)
    learning_rate: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    augmentation: Augmentation
    seed: int = Field(ge=0)


class SeparableCNNSettings(StrictParameters):
    """Architecture of the small separable CNN (Report B, "Modèle from scratch").

    Attributes:
        filters: of each block, which has two separable convolutions and halves the side.
        dense: units between global average pooling and the output.
        dropout: share of these that is dropped in training.
    """

    filters: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    dense: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class TruncatedBackboneSettings(StrictParameters):
    """Architecture of a cut backbone under separable convolutions (Report B, "finetuned").

    Attributes:
        architecture: name of a model in `keras.applications`; `Xception` as published.
        cut_layer: number of its last layer that is kept, the input being 0; the report's is 45.
        trainable_layers: number of the kept backbone's last layers that are trained.
        filters: of each separable convolution above the cut.
        dense: units between global average pooling and the output.
        dropout: share of these that is dropped in training.
    """

    architecture: str
    cut_layer: int = Field(ge=1)
    trainable_layers: int = Field(ge=0)
    filters: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    dense: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class ScreeningNetworkSettings(StrictParameters):
    """The networks of Report B.

    Attributes:
        input_side: side to which radiographs are resized inside the networks, in pixels.
        weights: of Xception: `imagenet` (Keras downloads them), a folder of
            `<name>_notop.weights.h5`, or `none` for random weights.
        cnn: architecture of the CNN from scratch.
        xception: where Xception is cut, and its head.
        seed: seed of every weight that is not loaded, and of dropout.
    """

    input_side: int = Field(ge=32)
    weights: str
    cnn: SeparableCNNSettings
    xception: TruncatedBackboneSettings
    seed: int = Field(ge=0)

    def weights_for(self, architecture: str) -> str:
        """Where an architecture's weights come from; `none` for random ones."""
        return self.weights if architecture == "xception" else "none"

    def facts_of(self, architecture: str) -> dict[str, Any]:
        """What sets an architecture's network apart, besides its weights."""
        settings = self.cnn if architecture == "cnn" else self.xception
        return {"input_side": self.input_side} | settings.model_dump()

    def has_random_backbone(self, architecture: str) -> bool:
        """Whether an architecture stands on a backbone without pre-trained weights."""
        return architecture == "xception" and self.weights == "none"
