"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from covid_xray.imaging.equalisation import EqualisationSettings
from covid_xray.models.settings import SeparableCNNSettings, TruncatedBackboneSettings
from covid_xray.parameters import StrictParameters
from covid_xray.training.settings import TrainingSettings, ViewSettings


class ScreeningTraining(StrictParameters):
    """Hyper-parameters of each architecture; the report gives none.

    Attributes:
        cnn: of every CNN from scratch.
        xception: of the truncated Xception.
    """

    cnn: TrainingSettings
    xception: TrainingSettings

    def of(self, architecture: Literal["cnn", "xception"]) -> TrainingSettings:
        """Those of one architecture."""
        return self.cnn if architecture == "cnn" else self.xception


class ScreeningParameters(StrictParameters):
    """Report B's system.

    Attributes:
        equalisation: how grey levels are spread out.
        input_side: side to which the lungs are resized inside the classifiers, in pixels.
        weights: of Xception: `imagenet` (Keras downloads them), a folder of
            `<name>_notop.weights.h5`, or `none` for random weights.
        cnn: architecture of the CNN from scratch.
        xception: where Xception is cut, and its head.
        views: flips and rotations of training radiographs.
        training: hyper-parameters by architecture.
        wanted_sensitivity: share of COVID radiographs that the operating point must find among
            those of validation.
        examples_per_class: radiographs of each class in the figures.
        seed: seed of weights, examples and classical classifiers.
    """

    equalisation: EqualisationSettings
    input_side: int = Field(ge=32)
    weights: str
    cnn: SeparableCNNSettings
    xception: TruncatedBackboneSettings
    views: ViewSettings
    training: ScreeningTraining
    wanted_sensitivity: float = Field(gt=0, le=1)
    examples_per_class: int = Field(ge=1)
    seed: int = Field(ge=0)

    @property
    def pretrained(self) -> str | None:
        """Where Xception's pre-trained weights come from; None if there are to be none."""
        return None if self.weights == "none" else self.weights
