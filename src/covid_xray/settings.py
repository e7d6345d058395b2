"""Kedro settings of the project."""

from covid_xray.hooks import ProjectHooks
from covid_xray.studies.naming import study_name

HOOKS = (ProjectHooks(),)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "demo",
    # Environments override single parameters, not whole groups of them.
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"study_name": study_name},
}
