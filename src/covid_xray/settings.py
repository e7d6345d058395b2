"""Kedro settings of the project."""

import io
import sys
import warnings

from covid_xray.console import ProgressHooks
from covid_xray.datasets.catalog import StudyCatalog
from covid_xray.hooks import ParameterHooks
from covid_xray.lineage.hooks import RecordHooks
from covid_xray.studies.naming import study_name
from covid_xray.studies.run_time import location_text

# Kedro 1.7 registers its resolvers by a name that OmegaConf 2.4 warns about, at every command.
warnings.filterwarnings("ignore", message="register_new_resolver")

# A console that has no sign for a character of a class's name shows its code, and stops nothing.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="backslashreplace")

DATA_CATALOG_CLASS = StudyCatalog

HOOKS = (ParameterHooks(), RecordHooks(), ProgressHooks())

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "demo",
    # Environments override single parameters, not whole groups of them.
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"study_name": study_name, "location": location_text},
}
