"""Pipeline `ablation`: what augmentation, filtering and masking are worth, on frozen backbones."""

from covid_xray.pipelines.ablation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
