"""Pipeline `cross_validation`: Report A's outlook, every backbone on every fold."""

from covid_xray.pipelines.cross_validation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
