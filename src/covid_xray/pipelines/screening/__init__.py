"""Pipeline `screening`: Report B's COVID against the rest, and its ideas carried out."""

from covid_xray.pipelines.screening.pipeline import create_pipeline

__all__ = ["create_pipeline"]
