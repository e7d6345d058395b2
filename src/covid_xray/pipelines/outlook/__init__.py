"""Pipeline `outlook`: Report A's outlook, cross-validation and a comparison of optimisers."""

from covid_xray.pipelines.outlook.pipeline import create_pipeline

__all__ = ["create_pipeline"]
