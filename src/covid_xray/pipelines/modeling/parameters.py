"""Validated parameters of the pipeline; an unknown name or value is an error that names it."""

from __future__ import annotations

from covid_xray.parameters import StrictParameters


class Figure14Parameters(StrictParameters):
    """What Figure 14 shows: one backbone under heavier COVID weights than Table 5's.

    Attributes:
        backbone: id of the backbone, such as `efficientnetb0`.
        class_weights: weights of its further runs, by run.
    """

    backbone: str
    class_weights: dict[str, dict[str, int | float]]
