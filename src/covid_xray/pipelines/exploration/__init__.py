"""Pipeline `exploration`: Report A's figures, statistics and dimension reduction."""

from covid_xray.pipelines.exploration.pipeline import create_pipeline

__all__ = ["create_pipeline"]
