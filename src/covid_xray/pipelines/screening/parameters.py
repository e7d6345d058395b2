"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from covid_xray.imaging.equalisation import EqualisationSettings
from covid_xray.models.settings import ScreeningNetworkSettings
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


class ScreeningParameters(ScreeningNetworkSettings):
    """Report B's system: its networks, whose seed also draws examples and classical classifiers.

    Attributes:
        equalisation: how grey levels are spread out.
        views: flips and rotations of training radiographs.
        training: hyper-parameters by architecture.
        wanted_sensitivity: share of COVID radiographs that the operating point must find among
            those of validation.
        examples_per_class: radiographs of each class in the figures.
    """

    equalisation: EqualisationSettings
    views: ViewSettings
    training: ScreeningTraining
    wanted_sensitivity: float = Field(gt=0, le=1)
    examples_per_class: int = Field(ge=1)
