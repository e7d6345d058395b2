from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture
def engineered_copy(tmp_path, engineered):
    """A project after `data_engineering`, to change: files are replaced, never written in place."""
    return shutil.copytree(engineered, tmp_path / "project", copy_function=os.link)
