"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from covid_xray.parameters import StrictParameters
from covid_xray.studies.variants import VARIANTS
from covid_xray.training.settings import TrainingSettings

# The others take pixels that other pipelines make; Table 4 trains on them.
_TRAINABLE_VARIANTS = VARIANTS[:3]


class TransferParameters(StrictParameters):
    """What every backbone shares.

    Attributes:
        variant: row list of `study_variants` to train on.
        weights: `imagenet` (Keras downloads them), a folder of `<name>_notop.weights.h5`, or `none`
            for random weights.
        weights_of: the same for single architectures, for instance `{ResNet50V2: none}` where there
            is no file of its weights.
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

    def weights_for(self, architecture: str) -> str:
        """Where the weights of an architecture come from: `imagenet`, a folder or `none`."""
        return self.weights_of.get(architecture, self.weights)

    def pretrained(self, architecture: str) -> str | None:
        """Where its pre-trained weights come from; None if there are to be none."""
        source = self.weights_for(architecture)
        return None if source == "none" else source

    @field_validator("variant")
    @classmethod
    def _known_variant(cls, variant: str) -> str:
        if variant not in _TRAINABLE_VARIANTS:
            raise ValueError(f"variant '{variant}' is not one of {', '.join(_TRAINABLE_VARIANTS)}")
        return variant


class BackboneParameters(StrictParameters):
    """One backbone's cut and head (Report A's Table 5).

    Attributes:
        architecture: name of a model in `keras.applications`.
        trainable_layers: number of its last layers that stay trainable; 0 trains the head alone.
        head: layers between pooling and output, each `{dense: units}` or `{dropout: rate}`.
    """

    architecture: str
    trainable_layers: int = Field(ge=0)
    head: list[dict[Literal["dense", "dropout"], Annotated[float, Field(gt=0)]]]

    @field_validator("head")
    @classmethod
    def _one_layer_each(cls, head: list[dict[str, float]]) -> list[dict[str, float]]:
        if any(len(layer) != 1 for layer in head):
            raise ValueError("each layer of the head is one `dense: units` or `dropout: rate`")
        return head


class AugmentedSet(StrictParameters):
    """Children that some settings of Table 2 share.

    Attributes:
        n_layers: transformations applied: zoom, + rotation, + contrast, + brightness.
        factor: amplitude of each, as Keras understands it.
        masked: whether radiographs and children keep nothing but their lungs.
    """

    n_layers: int = Field(ge=1, le=4)
    factor: float = Field(gt=0, lt=1)
    masked: bool = False


class FrozenParameters(StrictParameters):
    """Classifiers of which only the head is trained: Tables 3 and 4, and the Laplacian sweep.

    Attributes:
        augmentation_backbone: backbone of Table 3 and of the sweep.
        preprocessing_backbone: backbone of Table 4.
        head: layers between pooling and output.
        training: hyper-parameters; Table 3 takes its own batch sizes from Table 2.
        laplacian_thresholds: thresholds of the sweep; 0 keeps every radiograph.
    """

    augmentation_backbone: str
    preprocessing_backbone: str
    head: list[dict[Literal["dense", "dropout"], Annotated[float, Field(gt=0)]]]
    training: TrainingSettings
    laplacian_thresholds: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)

    @field_validator("laplacian_thresholds")
    @classmethod
    def _each_once(cls, thresholds: list[float]) -> list[float]:
        if len({f"{threshold:g}" for threshold in thresholds}) < len(thresholds):
            raise ValueError("a threshold is named twice")
        return thresholds

    def backbone(self, architecture: str) -> BackboneParameters:
        """A backbone without a trainable layer, under this head."""
        return BackboneParameters(architecture=architecture, trainable_layers=0, head=self.head)
