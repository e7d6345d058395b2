"""Pipeline `modeling`: transfer classifiers, one instance per backbone and COVID weight."""

from covid_xray.pipelines.modeling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
