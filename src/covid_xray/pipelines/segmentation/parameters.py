"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from pydantic import Field, model_validator

from covid_xray.parameters import StrictParameters
from covid_xray.split import Split
from covid_xray.studies.lung_masks import MaskSource
from covid_xray.studies.parameters import Share


class PairParameters(StrictParameters):
    """How pairs of radiograph and lung mask are assigned to splits.

    Attributes:
        test: share held out for the scores; Report B trained on 90 %.
        validation: share that chooses the epoch whose weights are kept.
        most: pairs used at most, drawn at random; all if null.
        seed: seed of the draw and of the split.
    """

    test: Share
    validation: Share
    most: int | None = Field(default=None, ge=3)
    seed: int = Field(ge=0)

    @property
    def shares(self) -> dict[str, float]:
        """Share of each split."""
        return {
            Split.TRAIN: 1 - self.validation - self.test,
            Split.VALIDATION: self.validation,
            Split.TEST: self.test,
        }

    @model_validator(mode="after")
    def _something_to_train_on(self) -> PairParameters:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test leave nothing to train on: they must add up to < 1")
        return self


class MaskParameters(StrictParameters):
    """Masks after segmentation.

    Attributes:
        source: `provided` (the study's own), `predicted` (the U-Net's), or
            `provided_else_predicted`.
        batch_size: radiographs per pass through the U-Net.
    """

    source: MaskSource
    batch_size: int = Field(ge=1)
