"""Validated settings of evaluations."""

from __future__ import annotations

from pydantic import Field

from covid_xray.parameters import StrictParameters


class IntervalParameters(StrictParameters):
    """Bootstrap intervals of every score.

    Attributes:
        n_resamples: bootstrap samples.
        confidence: coverage of the interval, 0 to 1.
        seed: seed of the resampling.
    """

    n_resamples: int = Field(ge=100)
    confidence: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)
