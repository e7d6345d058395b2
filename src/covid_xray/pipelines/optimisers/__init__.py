"""Pipeline `optimisers`: Report A's outlook, every backbone under every optimiser."""

from covid_xray.pipelines.optimisers.pipeline import create_pipeline

__all__ = ["create_pipeline"]
