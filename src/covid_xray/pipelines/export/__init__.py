"""Pipeline `export`: Table 5's classifiers for devices without Keras."""

from covid_xray.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
