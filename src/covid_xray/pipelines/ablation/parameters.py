"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from covid_xray.models.backbone import Backbone, HeadLayer
from covid_xray.parameters import StrictParameters
from covid_xray.training.settings import TrainingSettings


class AblationParameters(StrictParameters):
    """Classifiers of which only the head is trained: Tables 3 and 4, and the Laplacian sweep.

    Attributes:
        augmentation_backbone: Keras name of the backbone of Table 3 and of the sweep.
        preprocessing_backbone: that of Table 4.
        head: layers between pooling and output.
        training: hyper-parameters; Table 3 takes its own batch sizes from Table 2.
        laplacian_thresholds: thresholds of the sweep; 0 keeps every radiograph.
    """

    augmentation_backbone: str
    preprocessing_backbone: str
    head: list[HeadLayer]
    training: TrainingSettings
    laplacian_thresholds: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)

    @field_validator("laplacian_thresholds")
    @classmethod
    def _each_once(cls, thresholds: list[float]) -> list[float]:
        if len({f"{threshold:g}" for threshold in thresholds}) < len(thresholds):
            raise ValueError("a threshold is named twice")
        return thresholds

    def backbone(self, keras_name: str) -> Backbone:
        """A backbone without a trainable layer, under this head."""
        return Backbone(keras_name=keras_name, trainable_layers=0, head=self.head)

    @property
    def backbone_names(self) -> dict[str, str]:
        """What tables call the two backbones, by their ids."""
        names = (self.augmentation_backbone, self.preprocessing_backbone)
        return {self.backbone(name).id: name for name in names}
