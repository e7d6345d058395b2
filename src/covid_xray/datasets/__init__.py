"""Kedro datasets that the ecosystem lacks, and atomic versions of those it has."""

from covid_xray.datasets.activations import ActivationsDataset
from covid_xray.datasets.arrays import ArrayDataset
from covid_xray.datasets.atomic import (
    AtomicSaveMixin,
    ClassicalClassifiersDataset,
    CSVDataset,
    JSONDataset,
    PageDataset,
    ParquetDataset,
    PickleDataset,
    TextDataset,
)
from covid_xray.datasets.given_table import GivenTableDataset
from covid_xray.datasets.keras_models import KerasModelDataset, KerasModelsDataset
from covid_xray.datasets.litert_models import LiteRTModelsDataset
from covid_xray.datasets.phantom_study import PhantomStudyDataset
from covid_xray.datasets.radiography_study import RadiographyStudyDataset
from covid_xray.datasets.run_store import RunStoreDataset
