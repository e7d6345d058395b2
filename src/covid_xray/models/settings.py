"""Settings of a training, apart from the training: reading them loads no Keras."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from covid_xray.imaging.augmentation import Augmentation
from covid_xray.parameters import StrictParameters


class TrainingSettings(StrictParameters):
    """Hyper-parameters of a training (Report A, section Choix des modèles).

    Attributes:
        optimiser: `adam` as published, `sgd_momentum` (0.9) or `adagrad`.
        learning_rate: the optimiser's learning rate.
        batch_size: images per step.
        epochs: largest number of epochs.
        patience: epochs without a better validation loss before training stops.
        seed: seed of shuffling and dropout.
    """

    optimiser: Literal["adam", "sgd_momentum", "adagrad"] = "adam"
    learning_rate: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    seed: int = Field(ge=0)


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


class ViewSettings(StrictParameters):
    """How a radiograph is turned anew each time it is trained on (Report B).

    Attributes:
        flips: whether half of the radiographs are mirrored along each axis.
        rotation: largest rotation either way, as a share of a full turn.
    """

    flips: bool
    rotation: float = Field(ge=0, le=0.5)
