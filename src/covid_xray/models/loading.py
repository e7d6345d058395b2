"""Models read from their files."""

from __future__ import annotations

from pathlib import Path

import keras

import covid_xray.models.lung_extraction  # noqa: F401 - registers our own layers


def load_model(path: Path) -> keras.Model:
    """A model as it was saved, in Keras's safe mode: a file can't bring code of its own."""
    return keras.saving.load_model(path, safe_mode=True)
