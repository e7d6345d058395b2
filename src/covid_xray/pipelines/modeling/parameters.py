"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from covid_xray.parameters import StrictParameters
from covid_xray.studies.variants import AUTOENCODED, VARIANTS


class TransferParameters(StrictParameters):
    """What every backbone shares.

    Attributes:
        variant: row list of `study_variants` to train on.
        weights: `imagenet` (Keras downloads them), a folder of `<name>_notop.weights.h5`, or `none`
            for random weights.
        input_side: side to which radiographs are resized inside the model, in pixels.
        feature_batch_size: images per pass through the trunk.
        feature_dtype: type in which the trunk's activations are kept on disk.
        seed: seed of the weights that are not loaded.
    """

    variant: str
    weights: str
    input_side: int = Field(ge=32)
    feature_batch_size: int = Field(ge=1)
    feature_dtype: Literal["float16", "float32"]
    seed: int = Field(ge=0)

    @property
    def pretrained(self) -> str | None:
        """Where pre-trained weights come from; None if there are to be none."""
        return None if self.weights == "none" else self.weights

    @field_validator("variant")
    @classmethod
    def _known_variant(cls, variant: str) -> str:
        trainable = [name for name in VARIANTS if name != AUTOENCODED]
        if variant not in trainable:
            raise ValueError(f"variant '{variant}' is not one of {', '.join(trainable)}")
        return variant


class BackboneParameters(StrictParameters):
    """One backbone's cut and head (Report A's Table 5).

    Attributes:
        architecture: class of `keras.applications`.
        trainable_layers: number of its last layers that stay trainable.
        head: layers between pooling and output, each `{dense: units}` or `{dropout: rate}`.
    """

    architecture: str
    trainable_layers: int = Field(ge=1)
    head: list[dict[Literal["dense", "dropout"], Annotated[float, Field(gt=0)]]]

    @field_validator("head")
    @classmethod
    def _one_layer_each(cls, head: list[dict[str, float]]) -> list[dict[str, float]]:
        if any(len(layer) != 1 for layer in head):
            raise ValueError("each layer of the head is one `dense: units` or `dropout: rate`")
        return head
