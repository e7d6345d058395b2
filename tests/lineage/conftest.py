from __future__ import annotations

import os
import shutil

import pytest
from kedro.framework.project import configure_project


@pytest.fixture(scope="session", autouse=True)
def configured_logging():
    """The first session of a process configures logging, and would take away caplog's handler."""
    configure_project("covid_xray")


@pytest.fixture
def engineered_copy(tmp_path, engineered):
    """A project after `data_engineering`, to change: files are replaced, never written in place."""
    return shutil.copytree(engineered, tmp_path / "project", copy_function=os.link)
