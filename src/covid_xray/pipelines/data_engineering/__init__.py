"""Pipeline `data_engineering`: from a study's files to arrays, tables, splits and variants."""

from covid_xray.pipelines.data_engineering.pipeline import create_pipeline

__all__ = ["create_pipeline"]
