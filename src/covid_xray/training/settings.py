"""Settings of trainings, apart from the trainings: reading them loads no Keras."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from covid_xray.parameters import StrictParameters
from covid_xray.studies.variants import VARIANTS

# The others take pixels that other pipelines make; Table 4 trains on them.
_TRAINABLE_VARIANTS = VARIANTS[:3]


class TrainingSettings(StrictParameters):
    """Hyper-parameters of a training (Report A, section Choix des modèles).

    Attributes:
        optimiser: `adam` as published, `sgd_momentum` (0.9) or `adagrad`.
        learning_rate: the optimiser's learning rate, that of the first epoch.
        schedule: `constant` as published, or `cosine`: from epoch to epoch the rate falls along
            half a cosine, towards 0 (Loshchilov & Hutter, 2017).
        batch_size: images per step.
        epochs: largest number of epochs.
        patience: epochs without a better validation loss before training stops.
        seed: seed of shuffling and dropout.
    """

    optimiser: Literal["adam", "sgd_momentum", "adagrad"] = "adam"
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "cosine"] = "constant"
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    seed: int = Field(ge=0)


class ViewSettings(StrictParameters):
    """How a radiograph is turned anew each time it is trained on (Report B).

    Attributes:
        flips: whether half of the radiographs are mirrored along each axis.
        rotation: largest rotation either way, as a share of a full turn.
    """

    flips: bool
    rotation: float = Field(ge=0, le=0.5)


class TransferSettings(StrictParameters):
    """What the runs of every backbone share.

    Attributes:
        variant: row list of `study_variants` to train on.
        weights: `imagenet` (Keras downloads them), a folder of `<name>_notop.weights.h5`, or `none`
            for random weights.
        weights_of: the same for single backbones by their Keras name, for instance
            `{ResNet50V2: none}` where there is no file of its weights.
        input_side: side to which radiographs are resized inside the model, in pixels.
        feature_batch_size: images per pass through the trunk.
        feature_dtype: type in which the trunk's activations are kept on disk.
        seed: seed of the weights that are not loaded.
    """

    variant: str
    weights: str
    weights_of: dict[str, str] = Field(default_factory=dict)
    input_side: int = Field(ge=32)
    feature_batch_size: int = Field(ge=1)
    feature_dtype: Literal["float16", "float32"]
    seed: int = Field(ge=0)

    def weights_for(self, keras_name: str) -> str:
        """Where the weights of a backbone come from: `imagenet`, a folder or `none`."""
        return self.weights_of.get(keras_name, self.weights)

    def pretrained(self, keras_name: str) -> str | None:
        """Where its pre-trained weights come from; None if there are to be none."""
        source = self.weights_for(keras_name)
        return None if source == "none" else source

    @field_validator("variant")
    @classmethod
    def _known_variant(cls, variant: str) -> str:
        if variant not in _TRAINABLE_VARIANTS:
            raise ValueError(f"variant '{variant}' is not one of {', '.join(_TRAINABLE_VARIANTS)}")
        return variant
