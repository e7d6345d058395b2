"""Pipeline `segmentation`: a U-Net that finds the lungs, and a mask for every radiograph."""

from covid_xray.pipelines.segmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
