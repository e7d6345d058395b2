"""Kedro datasets that the ecosystem lacks, and atomic versions of those it has."""

from covid_xray.datasets.arrays import ArrayDataset
from covid_xray.datasets.atomic import (
    AtomicSaveMixin,
    CSVDataset,
    JSONDataset,
    ParquetDataset,
    TextDataset,
)
from covid_xray.datasets.keras_model import KerasModelDataset
from covid_xray.datasets.phantom_study import PhantomStudyDataset
from covid_xray.datasets.radiography_study import RadiographyStudyDataset

__all__ = [
    "ArrayDataset",
    "AtomicSaveMixin",
    "CSVDataset",
    "JSONDataset",
    "KerasModelDataset",
    "ParquetDataset",
    "PhantomStudyDataset",
    "RadiographyStudyDataset",
    "TextDataset",
]
