"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from pydantic import Field

from covid_xray.parameters import StrictParameters


class FoldParameters(StrictParameters):
    """The folds of the cross-validation.

    Attributes:
        n_folds: number of folds.
    """

    n_folds: int = Field(ge=3)
