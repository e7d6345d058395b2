"""Validated parameters of a study: how it is read, cleaned, split and augmented."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from covid_xray.imaging.formats import LARGEST_MAX_PIXELS, MAX_PIXELS
from covid_xray.parameters import StrictParameters
from covid_xray.split import Protocol, Split

Share = Annotated[float, Field(gt=0, lt=1)]


class ReadingParameters(StrictParameters):
    """How a study's files become arrays.

    Attributes:
        side: height and width of the stored images and masks, in pixels.
        min_side: shortest side of an acceptable radiograph, in pixels.
        max_pixels: most pixels of an acceptable radiograph or mask; each thread needs up to 16
            bytes for each.
        workers: threads that read; one per processor if null.
        scratch_folder: where arrays are built; the system's temporary folder if null.
    """

    side: int = Field(ge=32, le=2048)
    min_side: int = Field(default=32, ge=2)
    max_pixels: int = Field(default=MAX_PIXELS, ge=1024, le=LARGEST_MAX_PIXELS)
    workers: int | None = Field(default=None, ge=1)
    scratch_folder: Path | None = None


class DuplicateParameters(StrictParameters):
    """Report A's duplicate rule.

    Attributes:
        ssim_side: side at which SSIM is computed, in pixels.
        min_ssim: lowest SSIM of a duplicate pair.
        max_hash_distance: largest distance of two perceptual hashes, in bits.
    """

    ssim_side: int = Field(ge=7)
    min_ssim: float = Field(ge=-1, le=1)
    max_hash_distance: int = Field(ge=0, le=64)


class SharpnessParameters(StrictParameters):
    """Report A's Laplacian filter.

    Attributes:
        thresholds: Laplacian variances whose kept share is tabulated.
        min_laplacian_variance: threshold of the `…_laplacian` variant.
    """

    thresholds: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    min_laplacian_variance: float = Field(ge=0)


class SplittingParameters(StrictParameters):
    """How radiographs are assigned to training, validation and test.

    Attributes:
        protocol: `leak_free` (split by duplicate group and patient, then augment training rows) or
            `published` (augment, then split image by image, as Report A did).
        train: share of the training split.
        validation: share of the validation split.
        test: share of the test split.
        seed: seed of the split, of under-sampling and of every augmentation.
    """

    protocol: Protocol
    train: Share
    validation: Share
    test: Share
    seed: int = Field(ge=0)

    @property
    def shares(self) -> dict[str, float]:
        """Share of each split."""
        return {split: getattr(self, split) for split in Split}

    @model_validator(mode="after")
    def _shares_add_up(self) -> SplittingParameters:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + validation + test must add up to 1, not {total:g}")
        return self


class AugmentationParameters(StrictParameters):
    """Report A's Table 2.

    Attributes:
        images_per_class: size of every class of the balanced study; under `leak_free` training
            rows are brought to its training share.
        n_layers: transformations applied: zoom, + rotation, + contrast, + brightness.
        factor: amplitude of each, as Keras understands it.
        workers: threads; one per processor if null.
    """

    images_per_class: int = Field(ge=1)
    n_layers: int = Field(ge=1, le=4)
    factor: float = Field(gt=0, lt=1)
    workers: int | None = Field(default=None, ge=1)
